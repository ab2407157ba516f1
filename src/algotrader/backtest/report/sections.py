"""Sections that several reports share: equity, months, overfitting, coverage, attribution."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from html import escape

import numpy as np

from algotrader.backtest.attribution import Attribution, Slice
from algotrader.backtest.report import drawings, figures, judged, layout, still
from algotrader.backtest.report.model import (
    Coverage,
    EquitySeries,
    Floats,
    Overfitting,
    VerdictKind,
)
from algotrader.backtest.report.words import Part, amount, both, known, pct, say, tone_of
from algotrader.backtest.returns import PeriodReturns


def equity_section(
    series: EquitySeries,
    start: float,
    in_sample: Floats | None = None,
    *,
    title: str = "section.equity",
    note: str = "equity.note",
) -> str:
    """Equity against buy and hold, drawdown and exposure under one crosshair."""
    scale = layout.segment("scale", "scale", (("linear", "linear"), ("log", "log")))
    return layout.section(
        title,
        layout.chart("equity", height=440, still=still.equity(series, start, in_sample)),
        anchor="equity-chart",
        note=say(note),
        controls=scale,
        extra=layout.GESTURES if note == "equity.note" else "",
    )


def months_section(months: PeriodReturns) -> str:
    """Return of every month and year, coloured by profit, each with its sign."""
    years: dict[int, dict[int, float]] = defaultdict(dict)
    for year, month, value in zip(months.year, months.month, months.returns, strict=True):
        years[int(year)][int(month)] = float(value)
    scale = float(np.clip(np.abs(months.returns).max(initial=0.02), 0.02, 0.25))
    head = "".join(f'<th scope="col">{both(say(f"month.{m}"))}</th>' for m in range(1, 13))
    rows = "".join(
        f'<tr><th scope="row">{year}</th>'
        + "".join(_month_cell(of_year.get(m), scale) for m in range(1, 13))
        + _year_cell(of_year)
        + "</tr>"
        for year, of_year in sorted(years.items())
    )
    table = (
        f'<div class="heatwrap"><table class="heat"><thead><tr><td></td>{head}'
        f'<th scope="col" class="y">{both(say("year"))}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    content = table if years else f'<p class="empty">{both(say("months.none"))}</p>'
    return layout.section("section.months", content, anchor="months", note=say("months.note"))


STRONGEST = 52  # percent of the profit colour mixed in: a number stays readable on it


def _month_cell(value: float | None, scale: float) -> str:
    if value is None:
        return "<td></td>"
    tone = tone_of(value * 100) or ""
    strength = round(min(1.0, abs(value) / scale) * STRONGEST + 5) if tone else 0
    shown = figures.number(value * 100, 1, signed=True)
    return f'<td class="m {tone}" style="--m:{strength}%">{shown}</td>'


def _year_cell(of_year: dict[int, float]) -> str:
    grown = float(np.prod([1.0 + v for v in of_year.values()])) - 1.0
    tone = tone_of(grown * 100) or ""
    return f'<td class="y {tone}">{figures.number(grown * 100, 1, signed=True)}</td>'


def overfitting_section(
    o: Overfitting, *, title: str = "section.overfitting", this: str = "luck.this"
) -> str:
    """Sharpe ratios of all trials, luck's best, this run; and the statistics in words."""
    note: Part = ""
    drawing = ""
    if len(o.trial_sharpes) > 1:
        note = say("luck.note", n=figures.number(len(o.trial_sharpes)))
        marks: list[tuple[float, Part, str, str]] = []
        if o.luck_sharpe is not None:
            shown = figures.number(o.luck_sharpe, 2)
            marks.append((o.luck_sharpe, say("luck.best", v=shown), "mark-warn", "start"))
        if o.sharpe is not None:
            shown = figures.number(o.sharpe, 2)
            marks.append((o.sharpe, say(this, v=shown), "mark-c1", "end"))
        drawing = drawings.histogram(
            o.trial_sharpes,
            write=lambda v: figures.number(v, 1),
            marks=marks,
            title=say("svg.luck", n=figures.number(len(o.trial_sharpes))),
        )
    table = _luck_table(o)
    content = drawing + (table or f'<p class="empty">{both(say("luck.none"))}</p>') + _reasons(o)
    return layout.section(title, content, anchor="luck", note=note)


def _luck_table(o: Overfitting) -> str:
    """The statistics with what each one means; amber where it speaks against."""
    unproven = o.kind is not VerdictKind.EVIDENCE
    dsr, pbo = o.deflated_sharpe if o.searched else None, o.pbo
    bad = {
        "dsr": dsr is not None and dsr < judged.DSR_NEEDED,
        "pbo": unproven and pbo is not None and pbo >= judged.PBO_ALLOWED,
    }
    notes: dict[str, Part] = {}
    if o.pbo_splits is not None:
        notes["pbo"] = say("luck.splits", n=figures.number(o.pbo_splits))
    if o.ledger_since is not None:
        notes["trials"] = say("luck.trials.since", day=o.ledger_since)
    days = o.min_track_record_days
    shown: dict[str, Part | None] = {
        "dsr": None if dsr is None else figures.probability(dsr),
        "pbo": None if pbo is None else figures.number(pbo, 2),
        "psr": None
        if o.probabilistic_sharpe is None
        else figures.probability(o.probabilistic_sharpe),
        "neighbours": layout.ratio_of(o.neighbours_mean_sharpe),
        "min_trl": None if days is None else say("n_days", n=figures.number(days)),
        "trials": figures.number(o.trials) if o.trials else None,
        "effective": None
        if o.effective_trials is None or not o.searched
        else figures.number(o.effective_trials, 1),
    }
    rows = "".join(
        f'<tr><th scope="row">{both(say(f"luck.{key}"))}</th>'
        f'<td class="hide">{both(notes.get(key) or say(f"luck.{key}.note"))}</td>'
        f"<td{' class=warn' if bad.get(key) else ''}>{both(value)}</td></tr>"
        for key, value in shown.items()
        if value is not None
    )
    return f'<table class="kv three"><tbody>{rows}</tbody></table>' if rows else ""


def _reasons(o: Overfitting) -> str:
    """The sentences of the verdict, what decided it first."""
    items = "".join(
        f"<li>{layout.TICK_MARK if reason.holds else layout.WARN_MARK}"
        f"<span>{both(layout.spoken(reason.en, reason.zh))}</span></li>"
        for reason in o.reasons
    )
    return f'<ul class="list">{items}</ul>' if items else ""


def coverage_section(coverage: tuple[Coverage, ...]) -> str:
    """A strip of months for bars and one for funding: pale is complete, amber has a gap."""
    strips = "".join(_strip(c) for c in coverage)
    notes = []
    if any(c.assumed_rate is not None for c in coverage):
        rate = next(c.assumed_rate for c in coverage if c.assumed_rate is not None)
        notes.append(both(say("coverage.assumed", rate=pct(rate, 4))))
    if coverage:
        notes.append(both(say("coverage.legend")))
    content = strips or f'<p class="empty">{both(say("coverage.none"))}</p>'
    if notes:
        content += f'<p class="legend">{" ".join(notes)}</p>'
    note: Part = ""
    bars = judged.of_kind(coverage, "bars")
    if bars is not None:
        note = say("coverage.note", n=figures.number(bars.rows), m=str(len(bars.months)))
    return layout.section("section.coverage", content, anchor="data", note=note)


def _strip(c: Coverage) -> str:
    ratio = both(judged.floor_percent(c.ratio))
    bad = c.ratio < 0.995
    cells = []
    for month in c.months:
        if month.ratio is None or (month.ratio == 0 and c.kind == "funding"):
            css, shown = "h", figures.ABSENT
        else:
            css = "" if month.ratio >= 0.9999 else "g"
            shown = figures.percent(int(month.ratio * 10_000) / 10_000, "en", 2)
        cells.append(f'<i class="{css}" title="{escape(month.month)}: {shown}"></i>')
    months = [m.month for m in c.months]
    ends = ""
    if months:
        middle = months[len(months) // 2] if len(months) > 2 else ""
        ends = f'<div class="covx"><span>{months[0]}</span><span>{middle}</span><span>{months[-1]}</span></div>'
    name = both(say(f"coverage.{c.kind}"))
    value = f'<b class="warn">{ratio}</b>' if bad else ratio
    return (
        f'<div class="covh"><span>{name}</span><span>{value}</span></div>'
        f'<div class="cov{" dense" if len(months) > 48 else ""}" style="--n:{max(1, len(months))}">'
        f"{''.join(cells)}</div>{ends}"
    )


_MOST_PARTS = 12


def attribution_section(whole: Attribution | None) -> str:
    """Where the net profit came from: each view sums to it."""
    views = (
        ()
        if whole is None
        else (
            ("instrument", whole.by_instrument),
            ("side", whole.by_side),
            ("exit_reason", whole.by_exit_reason),
        )
    )
    blocks = "".join(_view(name, parts) for name, parts in views if len(parts) > 1)
    content = blocks or f'<p class="empty">{both(say("attribution.none"))}</p>'
    return layout.section("section.attribution", content, anchor="attribution")


def _view(name: str, parts: Sequence[Slice]) -> str:
    own = sorted(parts, key=lambda part: -abs(part.profit))
    most = max(abs(part.profit) for part in own) or 1.0
    shown, rest = own[:_MOST_PARTS], own[_MOST_PARTS:]
    rows = "".join(_part_row(part, most) for part in shown)
    if rest:
        others = say("attribution.rest", n=str(len(rest)))
        rows += _row(both(others), "", sum(p.trades for p in rest), sum(p.profit for p in rest))
    return (
        f'<table class="parts"><thead><tr><th scope="col">{both(say(f"by.{name}"))}</th>'
        f'<td></td><th scope="col">{both(say("key.trades"))}</th>'
        f'<th scope="col">{both(say("key.net"))}</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _part_row(part: Slice, most: float) -> str:
    key = f"part.{part.key}"
    name = both(say(key)) if known(key) else escape(part.key)
    bar = f'<i class="bar {tone_of(part.profit, 2) or ""}" style="--w:{abs(part.profit) / most * 100:.0f}%"></i>'
    return _row(name, bar, part.trades, part.profit)


def _row(name: str, bar: str, trades: int, profit: float) -> str:
    return (
        f'<tr><th scope="row">{name}</th><td class="barcell">{bar}</td>'
        f"<td>{figures.number(trades)}</td><td>{both(amount(profit))}</td></tr>"
    )
