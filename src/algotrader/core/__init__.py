"""The vocabulary: symbols, instruments, bars, time frames, calendars, orders, events, errors.

May import the standard library, numpy and msgspec; nothing of this project but itself.
Read first: `symbols.Symbol.parse`, then `bars.Bars`.
"""
