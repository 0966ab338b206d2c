"""The sample catalogue: made-up guides for the real places of Harbin, built from readable files in this folder.

Names of items and divisions are facts; conditions, materials, addresses and phones were written for this sample and
are not official information. Every guide says so in its ``source``.
"""
