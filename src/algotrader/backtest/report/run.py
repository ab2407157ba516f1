"""The report of one run: `render_run`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from html import escape

import numpy as np

from algotrader.backtest.attribution import Attribution, Slice
from algotrader.backtest.report import drawings, figures, headline, judged, layout, payload
from algotrader.backtest.report.figures import Lang
from algotrader.backtest.report.metric_table import metric_list
from algotrader.backtest.report.model import Coverage, Overfitting, ReportData
from algotrader.backtest.report.page import build_page
from algotrader.backtest.report.words import Part, amount, both, known, lasting, pct, say, tone_of
from algotrader.backtest.returns import PeriodReturns

MODULES = (
    "core.js",
    "decode.js",
    "axis.js",
    "zoom.js",
    "equity.js",
    "price.js",
    "trades.js",
    "main.js",
    "run.js",
)


def render_run(data: ReportData, *, lang: Lang = "en") -> str:
    """One self-contained HTML page. `lang` is what stands without scripts, in both it is written."""
    body = [
        layout.identity_line(data.identity),
        layout.verdict(
            headline.made(
                total_return=data.metrics.get("total_return") or 0.0,
                span_ms=data.identity.end - data.identity.start,
                kind=data.overfitting.kind,
                trades=len(data.trades),
                zero_costs=data.costs.zero,
            ),
            headline.because(
                benchmark_return=data.metrics.get("benchmark_return"),
                overfitting=data.overfitting,
                trades=len(data.trades),
            ),
            judged.alarms(data.identity, data.costs, data.coverage, data.overfitting.kind),
        ),
        layout.checks_row(_checks(data)),
        layout.key_figures(_keys(data)),
        equity_section(),
        layout.pair(
            months_section(data.months),
            layout.section(
                "section.waterfall",
                drawings.waterfall(data.waterfall),
                anchor="cost",
                note=data.identity.currency,
            ),
            wide=True,
        ),
        layout.pair(
            overfitting_section(data.overfitting),
            f"<div>{_path(data)}{coverage_section(data.coverage)}</div>",
        ),
        _price(data),
        _trades(data),
        layout.pair(_distribution(data), _attribution(data.attribution)),
        _figures(data),
        layout.pair(_warnings(data), _assumptions(data)),
        layout.provenance_section(data.provenance),
    ]
    return build_page(
        title=f"{data.identity.strategy} · {data.identity.run} · AlgorithmTrader",
        kind=say("kind.run"),
        body=body,
        footer=layout.footer_lines(data.provenance.version),
        data=_payload(data),
        modules=MODULES,
        lang=lang,
    )


def _payload(data: ReportData) -> payload.Json:
    return {
        "v": 1,
        "kind": "run",
        "id": payload.identity(data.identity),
        "verdict": data.overfitting.kind.value,
        "metrics": payload.metrics(data.metrics),
        "equity": payload.equity(data.equity),
        "prices": payload.prices(data.prices, len(data.trades)),
        "trades": payload.trade_columns(data.trades, data.prices),
    }


def _checks(data: ReportData) -> list[layout.Check]:
    return [
        judged.data_check(data.coverage, generated=data.identity.generated),
        judged.look_ahead_check(data.look_ahead),
        judged.costs_check(data.costs),
        judged.path_check(data.path, data.identity.capital),
        judged.overfitting_check(data.overfitting),
    ]


def _keys(data: ReportData) -> list[layout.KeyFigure]:
    """Eight figures, each with the one that qualifies it below."""
    m, interval = data.metrics, data.overfitting.sharpe_interval
    net = data.waterfall[-1].amount
    hours, days = m.get("average_trade_hours"), m.get("max_drawdown_days")
    return [
        layout.KeyFigure(
            label=say("key.net"),
            value=amount(net, headline=True),
            note=data.identity.currency,
        ),
        layout.KeyFigure(
            label=say("key.annual_return"),
            value=_share(m.get("annual_return"), profit=True),
            note=_under("key.volatility", _share(m.get("volatility"))),
        ),
        layout.KeyFigure(
            label=say("key.sharpe"),
            value=_ratio(m.get("sharpe")),
            note=_interval(interval),
        ),
        layout.KeyFigure(
            label=say("key.sortino"),
            value=_ratio(m.get("sortino")),
            note=_under("key.calmar", _ratio(m.get("calmar"))),
        ),
        layout.KeyFigure(
            label=say("key.max_drawdown"),
            value=_share(m.get("max_drawdown"), profit=True),
            note="" if days is None else say("key.under_water", days=figures.number(days)),
        ),
        layout.KeyFigure(
            label=say("key.profit_factor"),
            value=_ratio(m.get("profit_factor")),
            note=_under("key.win_rate", _share(m.get("win_rate"))),
        ),
        layout.KeyFigure(
            label=say("key.trades"),
            value=figures.number(len(data.trades)),
            note="" if hours is None else say("key.average_held", v=lasting(hours * 3600)),
        ),
        layout.KeyFigure(
            label=say("key.benchmark"),
            value=_share(m.get("benchmark_return"), profit=True),
            note=_under("key.drawdown", _share(m.get("benchmark_max_drawdown"))),
        ),
    ]


def _share(value: float | None, *, profit: bool = False) -> Part | None:
    return None if value is None else pct(value, profit=profit)


def _ratio(value: float | None) -> Part | None:
    return None if value is None else figures.number(value, 2)


def _under(key: str, part: Part | None) -> Part:
    """The small line below a key figure: empty where its metric is absent."""
    return "" if part is None else say(key, v=part)


def _interval(bounds: tuple[float, float] | None) -> Part:
    if bounds is None:
        return ""
    low, high = (figures.number(bound, 2) for bound in bounds)
    return say("key.interval", low=low, high=high)


def equity_section(note: str = "equity.note") -> str:
    """Equity against buy and hold, drawdown and exposure under one crosshair."""
    scale = layout.segment("scale", "scale", (("linear", "linear"), ("log", "log")))
    return layout.section(
        "section.equity",
        layout.chart("equity", height=440),
        anchor="equity-chart",
        note=say(note),
        controls=scale,
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


def _month_cell(value: float | None, scale: float) -> str:
    if value is None:
        return "<td></td>"
    tone = tone_of(value * 100) or ""
    strength = round(min(1.0, abs(value) / scale) * 58 + 5) if tone else 0
    shown = figures.number(value * 100, 1, signed=True)
    return f'<td class="m {tone}" style="--m:{strength}%">{shown}</td>'


def _year_cell(of_year: dict[int, float]) -> str:
    grown = float(np.prod([1.0 + v for v in of_year.values()])) - 1.0
    tone = tone_of(grown * 100) or ""
    return f'<td class="y {tone}">{figures.number(grown * 100, 1, signed=True)}</td>'


def overfitting_section(o: Overfitting, *, title: str = "section.overfitting") -> str:
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
            marks.append((o.sharpe, say("luck.this", v=shown), "mark-c1", "end"))
        drawing = drawings.histogram(
            o.trial_sharpes,
            write=lambda v: figures.number(v, 1),
            marks=marks,
            title=say("svg.luck", n=figures.number(len(o.trial_sharpes))),
        )
    table = _luck_table(o)
    content = drawing + (table or f'<p class="empty">{both(say("luck.none"))}</p>')
    return layout.section(title, content, anchor="luck", note=note)


def _luck_table(o: Overfitting) -> str:
    rows: list[tuple[str, Part, str | None]] = []

    def add(key: str, value: float | None, digits: int, bad: bool = False, note: Part = "") -> None:
        if value is None:
            return
        shown = figures.number(value, digits)
        rows.append(
            (key, note or say(f"luck.{key}.note"), f'<b class="warn">{shown}</b>' if bad else shown)
        )

    dsr, pbo = o.deflated_sharpe, o.pbo
    add("dsr", dsr, 2, dsr is not None and dsr < judged.DSR_NEEDED)
    splits = "" if o.pbo_splits is None else say("luck.splits", n=figures.number(o.pbo_splits))
    add("pbo", pbo, 2, pbo is not None and pbo >= judged.PBO_ALLOWED, splits)
    add("psr", o.probabilistic_sharpe, 2)
    add("neighbours", o.neighbours_mean_sharpe, 2)
    if o.min_track_record_days is not None:
        days = both(say("n_days", n=figures.number(o.min_track_record_days)))
        rows.append(("min_trl", say("luck.min_trl.note"), days))
    if o.trials:
        since: Part = say("luck.trials.note")
        if o.ledger_since is not None:
            since = say("luck.trials.since", day=o.ledger_since)
        rows.append(("trials", since, figures.number(o.trials)))
    add("effective", o.effective_trials, 1)
    if not rows:
        return ""
    cells = "".join(
        f'<tr><th scope="row">{both(say(f"luck.{key}"))}</th><td class="hide">{both(note)}</td>'
        f"<td>{value}</td></tr>"
        for key, note, value in rows
    )
    return f'<table class="kv three"><tbody>{cells}</tbody></table>'


def _path(data: ReportData) -> str:
    guess = data.path
    if guess is None or guess.trades == 0:
        content = f'<p class="empty">{both(say("path.none"))}</p>'
    elif guess.worst_profit is None or guess.best_profit is None:
        n, of = figures.number(guess.trades), figures.number(guess.of)
        content = f'<p class="empty">{both(say("path.unbounded", n=n, of=of))}</p>'
    else:
        content = drawings.path_band(guess, data.waterfall[-1].amount)
    note = say("path.note", currency=data.identity.currency)
    return layout.section("section.path", content, anchor="path", note=note)


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
        f'<div class="cov" style="--n:{max(1, len(months))}">{"".join(cells)}</div>{ends}'
    )


def _price(data: ReportData) -> str:
    picker = ""
    if len(data.prices) > 1:
        options = "".join(
            f'<option value="{i}">{escape(p.symbol)}</option>' for i, p in enumerate(data.prices)
        )
        picker = f'<select id="price-symbol" data-label="instrument">{options}</select>'
    content = (
        layout.chart("price", height=380, table=False)
        + '<canvas id="window" class="window" tabindex="0" role="slider" data-label="window" '
        'aria-valuemin="0" style="height:44px"></canvas>'
        if data.prices
        else f'<p class="empty">{both(say("price.none"))}</p>'
    )
    return layout.section(
        "section.price", content, anchor="price-chart", note=say("price.note"), controls=picker
    )


def _trades(data: ReportData) -> str:
    """The frame of the table; its rows are drawn by the script, which can hold thousands."""
    if not len(data.trades):
        return layout.section(
            "section.trades", f'<p class="empty">{both(say("trades.none"))}</p>', anchor="trades"
        )
    content = (
        '<div class="filter"><span class="seg" id="trade-sets" role="group" data-label="trade_sets">'
        '</span><input id="trade-words" type="search" data-label="filter" autocomplete="off" '
        'spellcheck="false"><span id="trade-sums" role="status"></span><span class="gap"></span>'
        f'<button type="button" class="small" id="trade-csv">{both(say("csv"))}</button></div>'
        '<div class="scroll" id="trade-scroll" tabindex="0" role="region" '
        'aria-labelledby="trades-title"><table id="trade-table"><thead></thead><tbody></tbody>'
        f"</table></div><noscript><p class=empty>{both(say('trades.noscript'))}</p></noscript>"
    )
    return layout.section("section.trades", content, anchor="trades", note=say("trades.note"))


def _distribution(data: ReportData) -> str:
    returns = data.trades.return_
    if len(returns) < 2:
        content = f'<p class="empty">{both(say("distribution.none"))}</p>'
        return layout.section("section.distribution", content, anchor="distribution")
    mean, median = float(returns.mean()), float(np.median(returns))
    digits = 1 if np.ptp(returns) > 0.03 else 2
    drawing = drawings.histogram(
        returns,
        write=lambda v: pct(v, digits),
        marks=[
            (mean, say("distribution.mean", v=pct(mean, 2, signed=True)), "mark-c1", "start"),
            (median, say("distribution.median", v=pct(median, 2, signed=True)), "mark-ink", "end"),
        ],
        by_sign=True,
        title=say("svg.distribution", n=figures.number(len(returns))),
    )
    return layout.section(
        "section.distribution", drawing, anchor="distribution", note=say("distribution.note")
    )


_MOST_PARTS = 12


def _attribution(whole: Attribution | None) -> str:
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


def _figures(data: ReportData) -> str:
    return layout.section(
        "section.figures",
        metric_list(data.metrics, data.reasons),
        anchor="figures",
        note=say("figures.note", currency=data.identity.currency),
    )


def _warnings(data: ReportData) -> str:
    own = judged.own_warnings(
        data.identity, data.costs, data.coverage, data.overfitting, data.warnings
    )
    lines = [both(phrase) for phrase in own] + [layout.notice_html(n) for n in data.warnings]
    return layout.section("section.warnings", layout.notices(lines), anchor="notes")


def _assumptions(data: ReportData) -> str:
    checked = judged.look_ahead_check(data.look_ahead)
    return layout.assumptions_section(
        data.assumptions, [("look_ahead", say("joined", a=checked.value, b=checked.note))]
    )
