"""The data dictionary: every table of the lake and every column, with unit and meaning."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from algotrader.core.bars import FIELDS
from algotrader.data.columns import EXTRAS
from algotrader.data.coverage import Missing
from algotrader.data.feature_layer import FeatureStamp
from algotrader.data.layout import Layer
from algotrader.data.manifest import Manifest, Source
from algotrader.data.quality.findings import Finding
from algotrader.data.recording import Recorded, schemas


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, type, unit and meaning."""

    name: str
    kind: str
    unit: str
    meaning: str


_KEY = (
    Column(name="ts", kind="int64", unit="UTC ms", meaning="open of the bar; for markets with sessions a daily bar's is 00:00 UTC of its trading date"),
    Column(name="known_at", kind="int64", unit="UTC ms", meaning="when this version of the bar could first be known"),
)  # fmt: skip
_VALUES = {
    "open": ("quote currency per unit", "first price"),
    "high": ("quote currency per unit", "highest price"),
    "low": ("quote currency per unit", "lowest price"),
    "close": ("quote currency per unit", "last price"),
    "volume": ("base units, shares or contracts", "traded in the bar, in the unit of an order's quantity; the manifest says if it is not"),
    "adj_close": ("quote currency per unit", "close adjusted for splits and dividends, as the vendor gives it"),
    "price_factor": ("fraction", "multiplies a price to adjust it for dividends"),
    "split_factor": ("fraction", "multiplies a price to adjust it for splits"),
    "funding_rate": ("fraction of notional", "paid at `ts` by longs to shorts where it is above 0"),
}  # fmt: skip
_RECORD_MEANINGS: dict[type, dict[str, tuple[str, str]]] = {
    Manifest: {
        "symbol": ("", "the instrument"), "name": ("", "the series: `1h`, `mark-1h`, `funding`"),
        "calendar": ("", "calendar that says which bars should be there"),
        "rows": ("bars", "last versions"), "first_ts": ("UTC ms", "first bar"),
        "last_ts": ("UTC ms", "last bar"), "expected": ("bars", "of the calendar, first to last"),
        "present": ("bars", "expected ones that are there"),
        "no_trades": ("bars", "absent at the venue itself"),
        "coverage": ("fraction", "(present + no_trades) / expected"),
        "missing": ("", "spans that are not there, each with its reason"),
        "sha256": ("", "hash of the last versions"),
        "volume": ("", "`quantity`, `other` or `absent`; the last two switch participation off"),
        "close_only": ("", "there is no open, high and low"),
        "adjustment": ("", "columns that prices are adjusted by on read"),
        "generated": ("", "made by the package's own generator, not by a market"),
        "sources": ("", "where the rows came from"),
        "quarantined": ("rows", "set aside, by reason"),
        "findings": ("bars", "of the quality check, by rule; notes left out"),
        "grade": ("", "A: 99.9 % and no error; B: 99.5 % and no error; C: 95 %, or errors; D: less"),
        "absent_at_venue": ("UTC ms", "spans that the venue was asked for and has no bars of"),
        "files": ("bytes", "files that this manifest describes"),
    },
    Source: {
        "name": ("", "file, or venue and method"), "sha256": ("", "of the file, or of the rows"),
        "received_at": ("ISO, UTC", "when"), "rows": ("rows", "received"),
        "licence": ("", "as far as known"),
    },
    Missing: {
        "start_ms": ("UTC ms", "first missing bar"), "end_ms": ("UTC ms", "end, not included"),
        "bars": ("bars", "missing"),
        "reason": ("", "`no_trades`: the venue has none; `not_downloaded`: not asked for yet"),
    },
    Finding: {
        "rule": ("", "the rule that struck"), "level": ("", "`error`, `warning` or `note`"),
        "series": ("", "symbol and series"), "month": ("", "`2024-03`"),
        "first_ts": ("UTC ms", "first place"), "last_ts": ("UTC ms", "last place"),
        "places": ("", "how often"), "bars": ("bars", "concerned"),
        "message": ("", "what it means"),
    },
    FeatureStamp: {
        "code": ("", "hash of the source that computed them"),
        "inputs": ("", "hash of the bars, from their manifest"),
        "columns": ("", "names of the features"), "rows": ("bars", "rows of the file"),
    },
}  # fmt: skip


_STAMPS = {
    "ts": ("UTC ms", "when it happened, by the venue's clock"),
    "known_at": ("UTC ms", "when it was heard, by ours"),
}
_RECORDED = {
    Recorded.TRADES: {
        "trade_id": ("", "the venue's own"), "side": ("", "the taker's: `buy` or `sell`"),
        "price": ("quote currency per unit", "of the execution"),
        "quantity": ("unit of orders", "executed"),
    },
    Recorded.QUOTES: {
        "bid": ("quote currency per unit", "best price bid"),
        "bid_quantity": ("unit of orders", "bid at it"),
        "ask": ("quote currency per unit", "best price asked"),
        "ask_quantity": ("unit of orders", "asked at it"),
    },
    Recorded.BOOKS: {
        "bids": ("quote currency per unit", "prices bid, the best first"),
        "bid_quantities": ("unit of orders", "bid at each"),
        "asks": ("quote currency per unit", "prices asked, the best first"),
        "ask_quantities": ("unit of orders", "asked at each"),
    },
    Recorded.GAPS: {
        "stream": ("", "`trades`, `quotes` or `books`: interrupted from `ts` on"),
        "reason": ("", "as it was told"),
    },
}  # fmt: skip


def _described(kind: Recorded) -> Mapping[str, Any]:
    """The types of a kind's columns. ValueError if one is not described here."""
    schema = schemas()[kind]
    if set(schema) != {*_STAMPS, *_RECORDED[kind]}:
        raise ValueError(f"describe the columns of {kind}: {', '.join(schema)}")
    return schema


def tables() -> Iterator[tuple[str, str, list[Column]]]:
    """Each table: its name, where it lies, its columns. KeyError for a column nobody described."""
    values = [Column(name=n, kind="float64", unit=_VALUES[n][0], meaning=_VALUES[n][1])
              for n in (*FIELDS, *(e for e in EXTRAS if e != "funding_rate"))]  # fmt: skip
    funding = Column(name="funding_rate", kind="float64", unit=_VALUES["funding_rate"][0],
                     meaning=_VALUES["funding_rate"][1])  # fmt: skip
    where = "layer={}/venue=…/symbol=…/timeframe=…/PERIOD.parquet"
    yield "Bars and mark bars", where.format(Layer.CURATED), [*_KEY, *values]
    yield (
        "Funding",
        where.format(Layer.CURATED).replace("timeframe=…", "timeframe=funding"),
        [*_KEY, funding],
    )
    yield "Rows as received", where.format(Layer.RAW), [_KEY[0], *values, funding]
    reason = Column(name="reason", kind="text", unit="", meaning="why the row is no bar")
    yield "Rows set aside", where.format(Layer.QUARANTINE), [_KEY[0], *values, reason]
    feature = Column(
        name="…",
        kind="float64",
        unit="as the feature defines",
        meaning="one column a feature, NaN during warm-up",
    )
    yield (
        "Features",
        where.format(Layer.FEATURES).replace("PERIOD", "set=NAME/all"),
        [_KEY[0], feature],
    )
    for kind, columns in _RECORDED.items():
        yield (
            f"Recorded {kind}",
            f"layer={Layer.RECORDED}/venue=…/symbol=…/kind={kind}/date=…/FILE.parquet",
            [Column(name=name, kind=str(_described(kind)[name]), unit=unit, meaning=meaning)
             for name, (unit, meaning) in {**_STAMPS, **columns}.items()],
        )  # fmt: skip
    for record, place in (
        (Manifest, "manifest.json beside the series"), (Source, "in a manifest"),
        (Missing, "in a manifest"), (Finding, "`algotrader data check --json`"),
        (FeatureStamp, "features.json beside the features"),
    ):  # fmt: skip
        yield record.__name__, place, list(_record(record))


def _record(record: type) -> Iterator[Column]:
    for item in dataclasses.fields(record):
        unit, meaning = _RECORD_MEANINGS[record][item.name]
        yield Column(name=item.name, kind=str(item.type), unit=unit, meaning=meaning)


def markdown() -> str:
    """The page `docs/reference/data-dictionary.md`."""
    lines = [
        "# Data dictionary",
        "",
        "Every table of the lake, generated from the schemas by `algotrader.data.dictionary`.",
        "Prices are stored as received and adjusted when they are read.",
    ]
    for name, where, columns in tables():
        lines += ["", f"## {name}", "", f"`{where}`", "", "| column | type | unit | meaning |",
                  "|---|---|---|---|"]  # fmt: skip
        for column in columns:
            kind = column.kind.replace("|", "\\|")
            lines.append(f"| `{column.name}` | {kind} | {column.unit} | {column.meaning} |")
    return "\n".join(lines) + "\n"
