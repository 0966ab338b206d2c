"""Measurements. ``make bench`` prints a table with the machine, the corpus and the peers of the same run."""
