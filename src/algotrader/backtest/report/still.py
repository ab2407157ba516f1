"""What stands in place of canvases and scripted tables where no script runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from algotrader.backtest.report import encode, figures
from algotrader.backtest.report.drawings import line, svg, text, ticks
from algotrader.backtest.report.model import EquitySeries, Floats, Stamps
from algotrader.backtest.report.words import Part, amount, both, pct, say
from algotrader.backtest.trades import Trade, TradeTable
from algotrader.core.timeframes import DAY_MS

WIDTH, PLOT, HEIGHT, LOW_TOP, LOW_BOTTOM = 1180, 1110, 244, 262, 330
GAP_HEIGHT = 120
POINTS = 240  # of a line: enough to see each fall, 3 kB
TRADES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    key: str
    css: str
    values: Floats


def equity(series: EquitySeries, start: float, in_sample: Floats | None = None) -> str:
    """Equity, buy and hold and drawdown as one drawing; every fall of the account is kept."""
    lines = [_Line(key="strategy", css="s1", values=series.equity)]
    if in_sample is not None:
        lines.append(_Line(key="in_sample", css="s3", values=in_sample))
    if series.benchmark is not None:
        lines.append(_Line(key="benchmark", css="s-beside", values=series.benchmark))
    rows = encode.bucket_extremes([series.equity, series.drawdown], POINTS)
    low = min(start, *(float(each.values[rows].min()) for each in lines))
    high = max(start, *(float(each.values[rows].max()) for each in lines))
    y = _scale(low, high, HEIGHT, 24)
    x = _scale(float(series.ts[0]), float(series.ts[-1]), 0, PLOT)
    deepest = min(-0.001, float(series.drawdown.min()))
    down = _scale(deepest, 0.0, LOW_BOTTOM, LOW_TOP)
    parts = [*_axis(low, high, y), *_years(series.ts, x)]
    parts.append(line(0, y(start), PLOT, y(start), "dots"))
    parts += [_path(series.ts[rows], each.values[rows], x, y, each.css) for each in lines[::-1]]
    parts.append(line(0, LOW_TOP, PLOT, LOW_TOP, "rule"))
    parts.append(_path(series.ts[rows], series.drawdown[rows], x, down, "s-down"))
    parts.append(text(PLOT + 8, LOW_BOTTOM, pct(deepest), anchor="start"))
    parts.append(text(0, LOW_BOTTOM, say("still.drawdown"), anchor="start"))
    parts += _legend(lines)
    shown = {
        "first": float(series.equity[0]), "last": float(series.equity[-1]),
        "low": float(series.equity.min()), "high": float(series.equity.max()),
    }  # fmt: skip
    said = {name: figures.money(value, headline=True) for name, value in shown.items()}
    return svg(WIDTH, LOW_BOTTOM + 24, "".join(parts), say("svg.equity", **said))


def curves(lines: Sequence[tuple[str, Stamps, Floats]]) -> str:
    """Accounts rebased to 100, of a comparison: label, stamps and values of each."""
    kept = [encode.bucket_extremes([values], POINTS) for _, _, values in lines]
    drawn = [(ts[rows], values[rows]) for (_, ts, values), rows in zip(lines, kept, strict=True)]
    low = min(100.0, *(float(values.min()) for _, values in drawn))
    high = max(100.0, *(float(values.max()) for _, values in drawn))
    span = np.array([min(ts[0] for ts, _ in drawn), max(ts[-1] for ts, _ in drawn)])
    y, x = _scale(low, high, LOW_BOTTOM, 24), _scale(float(span[0]), float(span[-1]), 0, PLOT)
    parts = [*_axis(low, high, y), *_years(span, x), line(0, y(100.0), PLOT, y(100.0), "dots")]
    for place, ((name, _, _), (ts, values)) in enumerate(zip(lines, drawn, strict=True)):
        css = f"s{place + 1}"
        parts.append(_path(ts, values, x, y, css))
        parts.append(line(place * 190, 8, place * 190 + 18, 8, css))
        parts.append(text(place * 190 + 24, 12, name, anchor="start"))
    return svg(WIDTH, LOW_BOTTOM + 24, "".join(parts), say("section.rebased"))


def gap(ts: Stamps, values: Floats, title: Part) -> str:
    """How far two accounts are apart, in money, about a line at zero."""
    rows = encode.bucket_extremes([values], POINTS)
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    y, x = _scale(low, high, GAP_HEIGHT, 12), _scale(float(ts[0]), float(ts[-1]), 0, PLOT)
    parts = []
    for value in ticks(low, high, 3):
        parts.append(line(0, y(value), PLOT, y(value), "dots" if value == 0 else "gridline"))
        digits = 0 if high - low >= 100 else 2
        shown = figures.number(value, digits, signed=True)
        parts.append(text(PLOT + 8, y(value) + 4, shown, anchor="start"))
    parts.append(_path(ts[rows], values[rows], x, y, "s1"))
    parts.append(text(0, GAP_HEIGHT + 20, figures.moment(int(ts[0])), anchor="start"))
    parts.append(text(PLOT, GAP_HEIGHT + 20, figures.moment(int(ts[-1])), anchor="end"))
    return svg(WIDTH, GAP_HEIGHT + 28, "".join(parts), title)


def _scale(low: float, high: float, at_low: float, at_high: float) -> Callable[[float], float]:
    reach = (high - low) or 1.0
    return lambda value: at_low + (value - low) / reach * (at_high - at_low)


def _axis(low: float, high: float, y: Callable[[float], float]) -> Iterator[str]:
    for value in ticks(low, high, 5):
        yield line(0, y(value), PLOT, y(value), "gridline")
        digits = 0 if high >= 100 else 2
        yield text(PLOT + 8, y(value) + 4, figures.number(value, digits), anchor="start")


def _years(ts: Stamps, x: Callable[[float], float]) -> Iterator[str]:
    """Years where there are several, else months; never closer than a label is wide."""
    first, last = (np.datetime64(int(stamp), "ms") for stamp in (ts[0], ts[-1]))
    unit = "Y" if last.astype("datetime64[Y]") - first.astype("datetime64[Y]") > 1 else "M"
    marks = np.arange(
        first.astype(f"datetime64[{unit}]") + 1, last.astype(f"datetime64[{unit}]") + 1
    )
    free = 20.0
    for mark in marks:
        at = x(float(mark.astype("datetime64[ms]").astype(np.int64)))
        if at < free or at > PLOT - 20:
            continue
        free = at + 64
        yield line(at, 24, at, LOW_BOTTOM, "gridline")
        yield text(at, LOW_BOTTOM + 18, str(mark))


def _path(
    ts: Stamps, values: Floats, x: Callable[[float], float], y: Callable[[float], float], css: str
) -> str:
    points = " ".join(
        f"{x(float(stamp)):.0f},{y(float(value)):.1f}"
        for stamp, value in zip(ts, values, strict=True)
        if np.isfinite(value)
    )
    return f'<polyline points="{points}" class="{css}"/>'


def _legend(lines: Sequence[_Line]) -> Iterator[str]:
    for place, each in enumerate(lines):
        left = place * 170
        yield line(left, 8, left + 18, 8, each.css)
        yield text(left + 24, 12, say(f"still.{each.key}"), anchor="start")


def trades(table: TradeTable) -> str:
    """The last trades as plain rows, newest first."""
    columns = ("entry", "exit", "side", "instrument", "quantity", "entry_price", "exit_price",
               "profit", "return", "by")  # fmt: skip
    count = min(TRADES, len(table))
    head = "".join(f'<th scope="col">{both(say(f"still.{name}"))}</th>' for name in columns)
    last = range(len(table) - 1, -1, -1)[:count]
    stamps = np.concatenate([table.entry_ts, table.exit_ts])
    write = figures.day if not (stamps % DAY_MS).any() else figures.moment
    rows = "".join(_row(table.row(place), write) for place in last)
    note = say("trades.noscript", n=figures.number(count), of=figures.number(len(table)))
    return (
        f'<div class="sideways"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f'</div><p class="legend">{both(note)}</p>'
    )


def _row(trade: Trade, write: Callable[[int], str]) -> str:
    reason = "open" if trade.is_open else trade.exit_reason.name.lower()
    cells = [
        write(trade.entry_ts),
        write(trade.exit_ts),
        both(say("still.long" if trade.side > 0 else "still.short")),
        escape(trade.symbol),
        figures.by_step(trade.quantity, None),
        figures.by_step(trade.entry_price, None),
        figures.by_step(trade.exit_price, None),
        both(amount(trade.profit)),
        both(pct(trade.return_, profit=True)),
        both(say(f"part.{reason}")),
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
