"""The vocabulary: instruments, symbols, bars, calendars, orders, fills, events, accounts, errors.

Records are frozen and check themselves once; ids, hashes and calendars are pure functions.
May import the standard library, numpy and msgspec, and nothing of this project but itself;
`sessions.exchange` alone also loads exchange_calendars, inside the function that compiles.
Read first: `symbols.Symbol.parse`, then `bars.Bars`, `orders.Order` and `events.Event`.
"""
