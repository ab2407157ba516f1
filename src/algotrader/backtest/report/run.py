"""The report of one run: `render_run`."""

from __future__ import annotations

from html import escape

import numpy as np

from algotrader.backtest.report import (
    drawings,
    figures,
    headline,
    judged,
    layout,
    payload,
    sections,
    still,
)
from algotrader.backtest.report.figures import Lang
from algotrader.backtest.report.metric_table import metric_list
from algotrader.backtest.report.model import ReportData
from algotrader.backtest.report.page import ACCOUNT_MODULES, build_page
from algotrader.backtest.report.words import amount, both, lasting, pct, say


def render_run(data: ReportData, *, lang: Lang = "en") -> str:
    """One self-contained HTML page. `lang` is what stands without scripts, in both it is written."""
    body = [
        layout.identity_line(data.identity),
        layout.verdict(
            headline.made(
                total_return=data.metrics.get("total_return") or 0.0,
                span_ms=data.identity.span_ms,
                kind=data.overfitting.kind,
                trades=len(data.trades),
                costs=data.costs,
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
        sections.equity_section(data.equity, data.identity.capital),
        layout.pair(
            sections.months_section(data.months),
            layout.section(
                "section.waterfall",
                drawings.waterfall(data.waterfall),
                anchor="cost",
                note=data.identity.currency,
            ),
            wide=True,
        ),
        layout.pair(
            sections.overfitting_section(data.overfitting),
            f"<div>{_path(data)}{sections.coverage_section(data.coverage)}</div>",
        ),
        _price(data),
        _trades(data),
        layout.pair(_distribution(data), sections.attribution_section(data.attribution)),
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
        modules=ACCOUNT_MODULES,
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
        layout.annual_return(m, data.reasons),
        layout.KeyFigure(
            label=say("key.sharpe"),
            value=layout.ratio_of(m.get("sharpe")),
            note=layout.interval_of(interval),
        ),
        layout.KeyFigure(
            label=say("key.sortino"),
            value=layout.ratio_of(m.get("sortino")),
            note=layout.qualified("key.calmar", layout.ratio_of(m.get("calmar"))),
        ),
        layout.KeyFigure(
            label=say("key.max_drawdown"),
            value=layout.share_of(m.get("max_drawdown"), profit=True),
            note="" if days is None else say("key.under_water", days=figures.number(days)),
        ),
        layout.KeyFigure(
            label=say("key.profit_factor"),
            value=layout.ratio_of(m.get("profit_factor")),
            note=layout.qualified("key.win_rate", layout.share_of(m.get("win_rate"))),
        ),
        layout.KeyFigure(
            label=say("key.trades"),
            value=figures.number(m.get("trades") or 0),
            note="" if hours is None else say("key.average_held", v=lasting(hours * 3600)),
        ),
        layout.KeyFigure(
            label=say("key.benchmark"),
            value=layout.share_of(m.get("benchmark_return"), profit=True),
            note=layout.qualified("key.drawdown", layout.share_of(m.get("benchmark_max_drawdown"))),
        ),
    ]


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


def _price(data: ReportData) -> str:
    picker = ""
    if len(data.prices) > 1:
        options = "".join(
            f'<option value="{i}">{escape(p.symbol)}</option>' for i, p in enumerate(data.prices)
        )
        picker = f'<select id="price-symbol" data-label="instrument">{options}</select>'
    content = (
        layout.chart("price", height=380)
        + '<canvas id="window" class="window" tabindex="0" role="slider" data-label="window" '
        'aria-valuemin="0" style="height:44px"></canvas>'
        if data.prices
        else f'<p class="empty">{both(say("price.none"))}</p>'
    )
    return layout.section(
        "section.price",
        content,
        anchor="price-chart",
        note=say("price.note"),
        controls=picker,
        extra=layout.GESTURES,
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
        '<div class="scroll" id="trade-scroll" tabindex="0" role="group" '
        'data-label="trade_rows"><table id="trade-table"><thead></thead><tbody></tbody>'
        f'</table></div><div class="noscript">{still.trades(data.trades)}</div>'
    )
    return layout.section(
        "section.trades", content, anchor="trades", note=say("trades.note"), extra=layout.GESTURES
    )


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


def _figures(data: ReportData) -> str:
    return layout.section(
        "section.figures",
        metric_list(data.metrics, data.reasons, long_bars=data.identity.has_long_bars),
        anchor="figures",
        note=say("figures.note", currency=data.identity.currency),
    )


def _warnings(data: ReportData) -> str:
    own = judged.own_warnings(
        data.identity, data.costs, data.coverage, data.overfitting, data.warnings
    )
    return layout.warnings_section(own, data.warnings)


def _assumptions(data: ReportData) -> str:
    checked = judged.look_ahead_check(data.look_ahead)
    return layout.assumptions_section(
        data.assumptions, [("look_ahead", say("joined", a=checked.value, b=checked.note))]
    )
