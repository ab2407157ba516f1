"""How `algotrader data` shows series, findings and what an import or a download did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from algotrader.cli.output import Output
from algotrader.core.errors import DataError

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.core.instruments import Instrument
    from algotrader.data.downloading import Filled
    from algotrader.data.importing import Imported
    from algotrader.data.lake import Lake
    from algotrader.data.layout import SeriesKey
    from algotrader.data.manifest import Manifest


def show_imported(out: Output, done: list[Imported]) -> None:
    rows = [
        {
            "series": str(item.key), "read": item.read, "added": item.written.added,
            "revised": item.written.revised, "set_aside": sum(item.quarantined.values()),
            "coverage": item.manifest.coverage, "grade": item.manifest.grade,
            "from": when(item.manifest.first_ts), "to": when(item.manifest.last_ts),
        }
        for item in done
    ]  # fmt: skip
    show_rows(out, rows)


def filled_row(filled: Filled) -> dict[str, Any]:
    return {
        "series": str(filled.key), "spans_asked": len(filled.asked),
        "added": filled.written.added, "revised": filled.written.revised,
        "set_aside": filled.quarantined, "coverage": filled.manifest.coverage,
        "no_trades": filled.manifest.no_trades, "grade": filled.manifest.grade,
    }  # fmt: skip


def manifest_row(lake: Lake, key: SeriesKey, damaged: list[DataError]) -> dict[str, Any]:
    """One line of `ls`; a series that cannot be read has an empty one and adds to `damaged`."""
    row: dict[str, Any] = {"series": str(key)}
    try:
        made = lake.manifest(key)
    except DataError as error:
        damaged.append(error)
        return row | dict.fromkeys(("bars", "from", "to", "coverage")) | {
            "grade": "damaged", "generated": None,
        }  # fmt: skip
    return row | {
        "bars": made.rows, "from": when(made.first_ts), "to": when(made.last_ts),
        "coverage": made.coverage, "grade": made.grade, "generated": made.generated,
    }  # fmt: skip


def by_rule(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each rule and series, for people; the months are in --json."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for found in findings:
        name = (str(found["level"]), found["rule"], found["series"])
        groups.setdefault(name, []).append(found)
    return [
        {
            "level": level, "rule": rule, "series": series, "months": len(rows),
            "places": sum(f["places"] for f in rows), "bars": sum(f["bars"] for f in rows),
            "first": when(min(f["first_ts"] for f in rows)), "what": rows[0]["message"],
        }
        for (level, rule, series), rows in groups.items()
    ]  # fmt: skip


def show_rows(out: Output, rows: list[dict[str, Any]]) -> None:
    out.show(rows, lambda console: print_rows(console, rows))


def print_rows(console: Console, rows: list[dict[str, Any]]) -> None:
    """Columns as wide as they need to be: a symbol cut short is another symbol."""
    if not rows:
        return
    table = [[name.replace("_", " ") for name in rows[0]]]
    table += [[_cell(name, value) for name, value in row.items()] for row in rows]
    widths = [max(len(line[place]) for line in table) for place in range(len(table[0]))]
    right = [any(_is_number(row[name]) for row in rows) for name in rows[0]]
    for line in table:
        cells = (
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(line, widths, right, strict=True)
        )  # fmt: skip
        console.out("  ".join(cells).rstrip(), highlight=False)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(name: str, value: Any) -> str:
    from algotrader.core.units import format_number, format_percent

    if value is None:
        return "–"
    if name == "coverage":
        return format_percent(value, 2)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_number(value, 0) if isinstance(value, int) else str(value)


_SPANS = 20  # missing spans that are listed; all of them are in --json


def print_manifest(console: Console, made: Manifest) -> None:
    """What is known of a series, for people."""
    from algotrader.core.units import format_number, format_percent
    from algotrader.data.layout import FUNDING

    price = "closes alone" if made.close_only else "open, high, low, close"
    if made.adjustment:
        price += f"; adjusted on read by {', '.join(made.adjustment)}"
    lines = {
        "series": f"{made.symbol} {made.name}" + ("  (generated)" if made.generated else ""),
        "range": f"{when(made.first_ts)} to {when(made.last_ts)}, calendar {made.calendar}",
        "bars": f"{format_number(made.rows, 0)} of {format_number(made.expected, 0)} expected, "
        f"{format_percent(made.coverage, 2)} covered, "
        f"{format_number(made.no_trades, 0)} without trades",
        "grade": made.grade,
        "findings": _counts(made.findings) or "none",
        "set aside": _counts(made.quarantined) or "none",
        "missing": _spans(made) or "none",
        "prices": price,
        "volume": _VOLUME[made.volume],
        "sha256": made.sha256,
        "sources": _sources(made) or "none",
        "files": f"{len(made.files)}, {_size(sum(made.files.values()))}",
    }
    if made.name == FUNDING:
        del lines["prices"], lines["volume"]
    for name, text in lines.items():
        console.out(f"{name:<10} {text}", highlight=False)


_VOLUME = {
    "quantity": "in the unit of an order's quantity",
    "other": "in several units, so not used",
    "absent": "absent",
}
_INDENT = "\n" + " " * 11


def _size(total: int) -> str:
    from algotrader.core.units import format_number

    return f"{format_number(total / 1e6, 1)} MB" if total >= 1e6 else f"{total / 1e3:.0f} kB"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} × {name.replace('_', ' ')}" for name, count in counts.items())


def _spans(made: Manifest) -> str:
    lines = [
        f"{when(gap.start_ms)} to {when(gap.end_ms)}: {gap.bars:,} bar{'' if gap.bars == 1 else 's'}, "
        + gap.reason.replace("_", " ")
        for gap in made.missing
    ]
    more = [f"and {len(lines) - _SPANS} more"] if len(lines) > _SPANS else []
    return _INDENT.join([*lines[:_SPANS], *more])


def _sources(made: Manifest) -> str:
    return _INDENT.join(
        f"{source.name}, {source.rows:,} rows, {source.received_at[:16].replace('T', ' ')}"
        + (f", {source.licence}" if source.licence else "")
        for source in made.sources
    )


def print_rules(console: Console, rules: Instrument) -> None:
    """What the venue says of an instrument, for people."""
    from algotrader.core.units import format_percent

    fees, tiers = rules.fees, rules.margin.tiers
    lines = {
        "instrument": f"tick {rules.tick:f}, lot {rules.lot:f}, least quantity "
        f"{rules.min_quantity:f}, least notional {rules.min_notional:f} {rules.quote}",
        "fees": f"maker {format_percent(fees.maker, 3)}, taker {format_percent(fees.taker, 3)} "
        f"({fees.source})",
    }
    if not rules.is_spot_like:
        bounds = _INDENT.join(
            f"up to {tier.upper_notional:,} {rules.settle}: "
            f"{format_percent(tier.maintenance_rate, 2)}"
            for tier in tiers
        )
        lines["margin"] = bounds or "the exchange told no maintenance tiers"
    for name, text in lines.items():
        console.out(f"{name:<10} {text}", highlight=False)


def plain(record: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(record)


def when(ms: int) -> str:
    from algotrader.data.rows import stamp_text

    return stamp_text(ms)
