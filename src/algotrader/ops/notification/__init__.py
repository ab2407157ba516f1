"""Notification: what a person is told of trading, by which way, when, and what they may ask back.

May import everything that ops may; it never imports the trader, which is only handed a Notifier.
Read first: `alerts.py` (what becomes a message), then `courier.py` (how it is delivered).
"""
