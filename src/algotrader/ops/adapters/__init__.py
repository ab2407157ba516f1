"""Adapters of operation: messengers. One thin file each, their libraries imported where used.

May import what ops may; only `ops.notification.wiring` builds them.
Read first: `telegram.TelegramChannel`.
"""
