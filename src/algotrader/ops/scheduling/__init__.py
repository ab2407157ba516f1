"""Scheduling: the `jobs` of algotrader.yaml, when each is due, how it runs, and what came of it.

May import everything that ops may. Work runs in processes of its own, so that no job can hold up a
trader beside it.
Read first: `scheduler.py` (what happens when a job is due), then `timetable.py` (when that is).
"""
