"""The query: understanding it, ranking as data, engines behind one interface, facets, suggestions.

Reads what indexer wrote, and never the guides' tables. Knows nothing of audio and of pages.
"""
