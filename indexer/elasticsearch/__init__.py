"""Elasticsearch as the keeper of indexes: connection, mapping, life, writing, reading.

Needs no more of it than core has: the whitespace analyzer, bulk, search, aliases. No plugins, scripts or reindexing.
"""
