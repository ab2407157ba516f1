"""Figures of this project, and of its peers beside it in the same run: `python -m benchmarks`.

`rows.py` says what is measured and what is to be reached; each measurement is a module that runs
in a process of its own (`bench_*.py` ours, `peers/` theirs) and prints one JSON object.
Read first: `rows.py`.
"""
