"""What a guide is, its life, its versions, and its ways in and out of the database.

This room knows nothing of search. It imports from no other room; see docs/design.md.
"""
