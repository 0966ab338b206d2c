"""Measurements, each a command that prints tables with the machine, the corpus and the peers of the same run."""
