"""Which column of somebody's table is which of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from algotrader.core.errors import DataError

PRICES = ("open", "high", "low", "close")
CANONICAL = ("ts", *PRICES, "volume")

# Lower case, letters and digits only: "Adj Close" and "adj_close" are both "adjclose".
_ALIASES: dict[str, tuple[str, ...]] = {
    "ts": (
        "ts", "timestamp", "datetime", "date", "time", "opentime", "unix", "unixtimestamp",
        "unixtime", "tradedate", "tradingdate", "openat", "日期", "时间", "交易日期",
    ),
    "open": ("open", "o", "openprice", "开盘", "开盘价"),
    "high": ("high", "h", "highprice", "最高", "最高价"),
    "low": ("low", "l", "lowprice", "最低", "最低价"),
    "close": ("close", "c", "closeprice", "last", "收盘", "收盘价"),
    "volume": ("volume", "vol", "v", "basevolume", "volumebase", "成交量"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj"),
    "price_factor": ("pricefactor",),
    "split_factor": ("splitfactor",),
    "funding_rate": ("fundingrate",),
    "symbol": ("symbol", "ticker", "instrument", "code", "tscode"),
}  # fmt: skip

EXTRAS = ("adj_close", "price_factor", "split_factor", "funding_rate")


def plain(name: str) -> str:
    """A header as it is compared: lower case, letters and digits only."""
    return "".join(char for char in name.strip().lower() if char.isalnum())


def recognise(headers: Sequence[str], mapping: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our name → the table's header, for each column that is recognised.

    `mapping` (our name → header) comes first; DataError if it names a header that is not there.
    Where several headers mean the same, the earlier one of the list of known names is taken.
    """
    chosen = dict(_stated(headers, mapping or {}))
    by_plain: dict[str, str] = {}
    for header in headers:
        by_plain.setdefault(plain(header), header)
    for name, aliases in _ALIASES.items():
        if name in chosen:
            continue
        for alias in aliases:
            if alias in by_plain and by_plain[alias] not in chosen.values():
                chosen[name] = by_plain[alias]
                break
    return chosen


def _stated(headers: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    known = {*CANONICAL, *EXTRAS, "symbol"}
    for name, header in mapping.items():
        if name not in known:
            raise DataError(
                "data.mapping_unknown",
                f"mapping {name}={header}: there is no column {name!r}",
                hint="map to one of " + ", ".join(sorted(known)),
            )
        if header not in headers:
            raise DataError(
                "data.column_missing",
                f"mapping {name}={header}: the file has no column {header!r}",
                hint="its columns are " + ", ".join(headers),
            )
    return dict(mapping)
