"""From guides to what can be searched: analysis, documents, rebuilding, following changes, checking.

This room imports from guides and from nothing else of the project. What it defines once (the analysis, the document
schema, the lexicon) is what search reads and analyses queries with.
"""
