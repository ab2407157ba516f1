"""The journal: an append-only, hash-chained log of everything a decision depends on.

May import `core` and the standard library; what the rows mean is the caller's business.
Read first: `journal.Journal`, then `folder.py` (the files) and `chain.py` (what makes it whole).
"""
