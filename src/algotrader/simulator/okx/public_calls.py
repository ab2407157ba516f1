"""Public calls: instruments, time, prices, candles, funding."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import Any

from algotrader.simulator.okx import books, candles, margin, rows
from algotrader.simulator.okx.asks import Asked, one_of
from algotrader.simulator.okx.desk import Desk
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.numerals import plain, whole
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.wire import Endpoint, Reply, answer

_TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")


def time(desk: Desk, _: Asked) -> Reply:
    return answer([{"ts": str(desk.exchange.now_ms + desk.skew_ms)}])


def status(desk: Desk, asked: Asked) -> Reply:
    """The maintenance under way, if a fault has begun one."""
    begin, end = desk.maintenance
    state = asked.get("state")
    if not begin <= desk.at_ms < end or state not in (None, "", "ongoing"):
        return answer([])
    return answer([{
        "begin": str(begin), "end": str(end), "env": "1", "href": "", "maintType": "2",
        "preOpenBegin": "", "scheDesc": "", "serviceType": "5", "state": "ongoing",
        "system": "unified", "title": "Simulated maintenance",
    }])  # fmt: skip


def instruments(desk: Desk, asked: Asked) -> Reply:
    kind = one_of(asked, "instType", _TYPES)
    listed = [m.listing for m in desk.venue.markets.values() if m.listing.inst_type == kind]
    wanted = asked.get("instId")
    if wanted and wanted not in {listing.inst_id for listing in listed}:
        raise Refusal("51001")
    return answer([listing.row() for listing in listed if wanted in (None, listing.inst_id)])


def ticker(desk: Desk, asked: Asked) -> Reply:
    return answer([_ticker(desk, desk.market(str(asked["instId"])))])


def tickers(desk: Desk, asked: Asked) -> Reply:
    kind = one_of(asked, "instType", _TYPES)
    chosen = [m for m in desk.venue.markets.values() if m.listing.inst_type == kind]
    return answer([_ticker(desk, market) for market in chosen])


def _ticker(desk: Desk, market: Market) -> rows.Row:
    return rows.ticker_row(market, candles.day(market, desk.now), desk.exchange.now_ms)


def candlesticks(desk: Desk, asked: Asked) -> Reply:
    return answer(_candles(desk, asked, limit=300))


def mark_candles(desk: Desk, asked: Asked) -> Reply:
    return answer(_candles(desk, asked, limit=100, mark=True))


def index_candles(desk: Desk, asked: Asked) -> Reply:
    prices = _candles(desk, {"instId": _of_index(desk, asked), **_without_id(asked)}, limit=100)
    return answer([row[:5] + row[-1:] for row in prices])


def _of_index(desk: Desk, asked: Asked) -> str:
    """An index is named like its spot pair and shown as the price of whatever trades on it."""
    named = str(asked["instId"])
    for name in (named, f"{named}-SWAP"):
        if name in desk.venue.markets:
            return name
    raise Refusal("51001")


def _without_id(asked: Asked) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name != "instId"}


def _candles(desk: Desk, asked: Asked, *, limit: int, mark: bool = False) -> list[list[str]]:
    market = desk.market(str(asked["instId"]))
    return candles.candles(
        market, str(asked.get("bar") or "1m"), desk.now, after=bound(asked, "after"),
        before=bound(asked, "before"), limit=page(asked, limit), mark=mark,
    )  # fmt: skip


def bound(asked: Asked, name: str) -> int | None:
    """A time or an id that bounds a page; None if it is not asked for."""
    value = asked.get(name)
    return None if value in (None, "") else whole(value, name)


def page(asked: Asked, most: int = 100) -> int:
    """How many rows: as asked, at most what the call gives."""
    value = asked.get("limit")
    size = most if value in (None, "") else whole(value, "limit")
    return min(size, most) if size else most


def order_book(desk: Desk, asked: Asked) -> Reply:
    depth = min(whole(asked.get("sz") or "1", "sz"), 400)
    made = books.book(desk.market(str(asked["instId"])), max(depth, 1))
    return answer([{"asks": made.asks, "bids": made.bids, "ts": str(desk.exchange.now_ms)}])


def trades(desk: Desk, asked: Asked) -> Reply:
    market = desk.market(str(asked["instId"]))
    return answer(list(islice(reversed(market.trades), page(asked, 500))))


def funding_rate(desk: Desk, asked: Asked) -> Reply:
    market = desk.market(str(asked["instId"]))
    if market.listing.is_spot:
        raise Refusal("51015")
    return answer([funding_row(market, desk.now)])


def funding_row(market: Market, now: float) -> rows.Row:
    """The settlement to come, and the one after it."""
    coming = margin.next_funding(market, now)
    after = margin.next_funding(market, coming)
    last = next(iter(margin.past_funding(market, now)), None)
    return {
        "formulaType": "withRate", "fundingRate": _rate(margin.funding_rate(market, coming)),
        "fundingTime": str(int(coming)), "impactValue": "", "instId": market.inst_id,
        "instType": "SWAP", "interestRate": "0.0001", "maxFundingRate": "0.00375",
        "method": "current_period", "minFundingRate": "-0.00375", "nextFundingRate": "",
        "nextFundingTime": str(int(after)), "premium": "0",
        "settFundingRate": "" if last is None else _rate(last[1]), "settState": "settled",
        "ts": str(int(now)),
    }  # fmt: skip


def funding_history(desk: Desk, asked: Asked) -> Reply:
    market = desk.market(str(asked["instId"]))
    after, before = bound(asked, "after"), bound(asked, "before")
    kept: Iterable[tuple[int, float]] = (
        (ts, rate) for ts, rate in margin.past_funding(market, desk.now)
        if (after is None or ts < after) and (before is None or ts > before)
    )  # fmt: skip
    return answer([
        {"formulaType": "withRate", "fundingRate": _rate(rate), "fundingTime": str(ts),
         "instId": market.inst_id, "instType": "SWAP", "method": "current_period",
         "realizedRate": _rate(rate)}
        for ts, rate in islice(kept, page(asked))
    ])  # fmt: skip


def _rate(value: float) -> str:
    return rows.real(value)


def mark_price(desk: Desk, asked: Asked) -> Reply:
    one_of(asked, "instType", _TYPES)
    wanted = asked.get("instId")
    return answer([mark_row(m, desk.now) for m in desk.venue.markets.values()
                   if not m.listing.is_spot and wanted in (None, m.inst_id)])  # fmt: skip


def mark_row(market: Market, now: float) -> rows.Row:
    return {"instId": market.inst_id, "instType": market.listing.inst_type,
            "markPx": plain(market.mark_price), "ts": str(int(now))}  # fmt: skip


def index_tickers(desk: Desk, asked: Asked) -> Reply:
    """Indices are shown as the price of what trades on them."""
    market = desk.market(_of_index(desk, asked))
    day = candles.day(market, desk.now)
    return answer([{
        "high24h": rows.real(day["high"]), "idxPx": plain(market.last),
        "instId": market.listing.family, "low24h": rows.real(day["low"]),
        "open24h": rows.real(day["open"]), "sodUtc0": rows.real(day["utc0"]),
        "sodUtc8": rows.real(day["utc8"]), "ts": str(desk.exchange.now_ms),
    }])  # fmt: skip


def position_tiers(desk: Desk, asked: Asked) -> Reply:
    """Tiers in contracts, at the price the replay began with."""
    one_of(asked, "tdMode", ("cross", "isolated"))
    family = asked.get("instFamily") or asked.get("uly")
    found = [m for m in desk.venue.markets.values() if not m.listing.is_spot
             and (family == m.listing.family or asked.get("instId") == m.inst_id)]  # fmt: skip
    return answer([row for market in found for row in _tier_rows(market)])


def _tier_rows(market: Market) -> list[rows.Row]:
    made = market.listing.instrument
    contract = abs(market.contract.worth(Decimal(1), market.first_price))
    found, below = [], "0"
    for number, tier in enumerate(made.margin.tiers, start=1):
        most = plain(tier.upper_notional // contract)
        initial = max(tier.maintenance_rate * 2, 1 / made.margin.leverage / 10)
        found.append({
            "baseMaxLoan": "", "imr": plain(round(initial, 6)), "instFamily": market.listing.family,
            "instId": "", "maxLever": plain(round(1 / initial, 2)), "maxSz": most, "minSz": below,
            "mmr": plain(tier.maintenance_rate), "optMgnFactor": "0", "quoteMaxLoan": "",
            "tier": str(number), "uly": market.listing.family,
        })  # fmt: skip
        below = most
    return found


def open_interest(desk: Desk, asked: Asked) -> Reply:
    wanted = asked.get("instId")
    found = [m for m in desk.venue.markets.values()
             if not m.listing.is_spot and wanted in (None, m.inst_id)]  # fmt: skip
    return answer([{"instId": m.inst_id, "instType": "SWAP", "oi": "0", "oiCcy": "0", "oiUsd": "0",
                    "ts": str(desk.exchange.now_ms)} for m in found])  # fmt: skip


_ID = ("instId",)
_PAGE = frozenset({"instId", "bar", "after", "before", "limit"})

PUBLIC: tuple[Endpoint, ...] = tuple(
    Endpoint(method="GET", name=name, handler=handler, calls=calls, window_ms=window,
             fields=frozenset(fields), needed=needed)
    for name, handler, calls, window, fields, needed in (
        ("public/time", time, 10, 2000, (), ()),
        ("system/status", status, 1, 5000, ("state",), ()),
        ("public/instruments", instruments, 20, 2000,
         ("instType", "uly", "instFamily", "instId"), ("instType",)),
        ("market/ticker", ticker, 20, 2000, _ID, _ID),
        ("market/tickers", tickers, 20, 2000, ("instType", "uly", "instFamily"), ("instType",)),
        ("market/candles", candlesticks, 40, 2000, _PAGE, _ID),
        ("market/history-candles", candlesticks, 20, 2000, _PAGE, _ID),
        ("market/mark-price-candles", mark_candles, 20, 2000, _PAGE, _ID),
        ("market/history-mark-price-candles", mark_candles, 10, 2000, _PAGE, _ID),
        ("market/index-tickers", index_tickers, 20, 2000, ("instId", "quoteCcy"), _ID),
        ("market/index-candles", index_candles, 20, 2000, _PAGE, _ID),
        ("market/history-index-candles", index_candles, 10, 2000, _PAGE, _ID),
        ("market/books", order_book, 40, 2000, ("instId", "sz"), _ID),
        ("market/trades", trades, 100, 2000, ("instId", "limit"), _ID),
        ("public/funding-rate", funding_rate, 10, 2000, _ID, _ID),
        ("public/funding-rate-history", funding_history, 10, 2000,
         ("instId", "before", "after", "limit"), _ID),
        ("public/mark-price", mark_price, 10, 2000,
         ("instType", "uly", "instFamily", "instId"), ("instType",)),
        ("public/position-tiers", position_tiers, 10, 2000,
         ("instType", "tdMode", "uly", "instFamily", "instId", "ccy", "tier"),
         ("instType", "tdMode")),
        ("public/open-interest", open_interest, 20, 2000,
         ("instType", "uly", "instFamily", "instId"), ("instType",)),
    )
)  # fmt: skip
