"""When markets trade: the tables and rules behind `core.calendars`.

`table` turns opens and closes into a calendar, `always_open` is the market without a night,
`exchange` compiles stock exchanges from exchange_calendars (loaded only to compile),
`chinese_futures` is our own table, `recognise` tells a calendar from the stamps of a file.
May import the standard library, numpy and `core`. Read first: `table.SessionCalendar`.
"""
