"""Venues reached by ccxt's unified calls: what they share, and a table of differences for each.

May import: execution and what is below it, ccxt inside functions. Nothing trades in earnest here:
what is proved of a venue, and what is not, stands in the reference page on venues. Read `venue.py`
first.
"""
