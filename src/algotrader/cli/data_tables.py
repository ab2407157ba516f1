"""How `algotrader data` shows series, findings and what an import or a download did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algotrader.cli.output import Output

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.data.downloading import Filled
    from algotrader.data.importing import Imported
    from algotrader.data.lake import Lake
    from algotrader.data.layout import SeriesKey


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


def manifest_row(lake: Lake, key: SeriesKey) -> dict[str, Any]:
    made = lake.manifest(key)
    return {
        "series": str(key), "bars": made.rows, "from": when(made.first_ts),
        "to": when(made.last_ts), "coverage": made.coverage, "grade": made.grade,
        "generated": made.generated,
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
    for line in table:
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        console.out("  ".join(cells).rstrip(), highlight=False)


def _cell(name: str, value: Any) -> str:
    if name == "coverage":
        return f"{value:.2%}"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def plain(record: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(record)


def when(ms: int) -> str:
    from algotrader.data.rows import stamp_text

    return stamp_text(ms)
