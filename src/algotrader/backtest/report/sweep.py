"""The report of a sweep: what luck alone would have given, and how the sets lie around the best."""

from __future__ import annotations

from html import escape

import numpy as np

from algotrader.backtest.report import encode, figures, headline, judged, layout, payload, sections
from algotrader.backtest.report.figures import Lang
from algotrader.backtest.report.metric_table import metric_name, metric_value, ordered
from algotrader.backtest.report.model import Floats, SweepReportData
from algotrader.backtest.report.page import build_page
from algotrader.backtest.report.words import LANGS, Part, Phrase, both, joined, pct, plain, say

MODULES = ("core.js", "decode.js", "main.js", "heat.js")
BEST_SHOWN = 20
MOST_SETS = 20_000  # drawn in the heat map; beyond, the results file has them


def render_sweep(data: SweepReportData, *, lang: Lang = "en") -> str:
    """One self-contained HTML page of all sets of a sweep."""
    body = [
        layout.identity_line(data.identity),
        layout.verdict(
            headline.swept(data.overfitting),
            _because(data),
            judged.alarms(data.identity, data.costs, data.coverage, data.overfitting.kind),
        ),
        layout.checks_row(_checks(data)),
        layout.key_figures(_keys(data)),
        _heat(data),
        layout.pair(
            sections.overfitting_section(
                data.overfitting, title="section.luck", this="luck.chosen"
            ),
            sections.coverage_section(data.coverage),
        ),
        _best(data),
        layout.pair(_warnings(data), layout.assumptions_section(data.assumptions)),
        layout.provenance_section(data.provenance),
    ]
    return build_page(
        title=f"{data.identity.strategy} · {data.identity.run} · AlgorithmTrader",
        kind=say("kind.sweep"),
        body=body,
        footer=layout.footer_lines(data.provenance.version),
        data=_payload(data),
        modules=MODULES,
        lang=lang,
    )


def _payload(data: SweepReportData) -> payload.Json:
    """Columns of all sets; what failed has no value."""
    rows = slice(0, MOST_SETS)
    names = ordered(data.metrics)
    return {
        "v": 1,
        "kind": "sweep",
        "id": payload.identity(data.identity),
        "verdict": data.overfitting.kind.value,
        "chosen": data.chosen,
        "parameters": {
            name: encode.column(values[rows], _scale(values))
            for name, values in data.parameters.items()
        },
        "metrics": {
            name: encode.column(
                data.metrics[name][rows], encode.significant_scale(data.metrics[name], 5)
            )
            for name in names
        },
        "labels": {name: _label(metric_name(name)) for name in names},
        "shares": [n for n in names if n.endswith(("return", "drawdown", "rate"))],
    }


def _label(part: Part) -> list[str]:
    return [plain(part, lang) for lang in LANGS]


def _scale(values: Floats) -> float:
    """The smallest power of ten that makes every value of a parameter whole, up to a million."""
    for digits in range(7):
        scale = 10.0**digits
        if np.allclose(values * scale, np.rint(values * scale), atol=1e-9, rtol=0):
            return scale
    return encode.significant_scale(values, 6)


def _because(data: SweepReportData) -> list[Phrase]:
    o, said = data.overfitting, []
    if o.luck_sharpe is not None:
        said.append(
            say(
                "because.luck_alone",
                luck=figures.number(o.luck_sharpe, 2),
                trials=figures.number(o.trials),
            )
        )
    if o.neighbours_mean_sharpe is not None:
        said.append(say("because.neighbours", mean=figures.number(o.neighbours_mean_sharpe, 2)))
    said.append(say(f"next.sweep.{o.kind.value}"))
    return said


def _checks(data: SweepReportData) -> list[layout.Check]:
    return [
        judged.data_check(data.coverage, generated=data.identity.generated),
        judged.look_ahead_check(data.look_ahead),
        judged.costs_check(data.costs, href="notes"),
        judged.overfitting_check(data.overfitting),
    ]


def _keys(data: SweepReportData) -> list[layout.KeyFigure]:
    o, sharpe = data.overfitting, data.metrics["sharpe"]
    finite = sharpe[~np.isnan(sharpe)]
    of_chosen = {name: _at(values, data.chosen) for name, values in data.metrics.items()}
    median = say("key.median", v=figures.number(float(np.median(finite)), 2)) if len(finite) else ""
    return [
        layout.KeyFigure(
            label=say("key.sets"),
            value=figures.number(len(sharpe)),
            note=_without_result(data),
        ),
        layout.KeyFigure(
            label=say("key.chosen_sharpe"),
            value=layout.ratio_of(of_chosen["sharpe"]),
            note=layout.interval_of(o.sharpe_interval),
        ),
        layout.KeyFigure(
            label=say("key.luck"),
            value=layout.ratio_of(o.luck_sharpe),
            note=say("key.luck_note", n=figures.number(o.trials)),
        ),
        layout.KeyFigure(
            label=say("key.neighbours"),
            value=layout.ratio_of(o.neighbours_mean_sharpe),
            note=layout.qualified("key.neighbours_note", layout.ratio_of(of_chosen["sharpe"])),
        ),
        layout.KeyFigure(
            label=say("luck.dsr_short"),
            value=layout.ratio_of(o.deflated_sharpe),
            note=say("check.luck.dsr"),
        ),
        layout.KeyFigure(
            label=say("luck.pbo_short"),
            value=layout.ratio_of(o.pbo),
            note=say("luck.pbo_limit"),
        ),
        layout.KeyFigure(
            label=say("key.positive"),
            value=pct(float((finite > 0).mean())) if len(finite) else None,
            note=median,
        ),
        layout.KeyFigure(
            label=say("key.chosen_return"),
            value=layout.share_of(of_chosen.get("total_return"), profit=True),
            note=layout.qualified("key.drawdown", layout.share_of(of_chosen.get("max_drawdown"))),
        ),
    ]


def _without_result(data: SweepReportData) -> Part:
    """A set that raised and a set that never traded are two things, and each has its word."""
    failed = len(data.failures)
    idle = int(np.isnan(data.metrics["sharpe"]).sum()) - failed
    said = {"key.failed": failed, "key.idle": max(idle, 0)}
    parts = [say(key, n=figures.number(count)) for key, count in said.items() if count]
    return joined(parts)


def _at(values: Floats, index: int) -> float | None:
    value = float(values[index])
    return None if np.isnan(value) else value


def _heat(data: SweepReportData) -> str:
    """The frame of the map; the script fills it for any two parameters and any metric."""
    if len(data.parameters) < 2:
        return layout.section(
            "section.heat", f'<p class="empty">{both(say("heat.one"))}</p>', anchor="heat"
        )
    content = (
        '<div class="filter" id="heat-choices"></div>'
        '<div class="heatmap" id="heat-map" data-label="heat.map" role="group" tabindex="-1"></div>'
        '<p class="summary" id="heat-said" role="status"></p>'
        f'<p class="empty noscript">{both(say("heat.noscript"))}</p>'
    )
    return layout.section("section.heat", content, anchor="heat", note=say("heat.note"))


def _best(data: SweepReportData) -> str:
    """The best sets by Sharpe ratio, the chosen one marked wherever it stands."""
    sharpe = data.metrics["sharpe"]
    order = np.argsort(np.where(np.isnan(sharpe), -np.inf, sharpe), kind="stable")[::-1]
    ranked = [int(i) for i in order if not np.isnan(sharpe[i])]
    shown = ranked[:BEST_SHOWN]
    if data.chosen not in shown and data.chosen in ranked:
        shown.append(data.chosen)
    names = ordered(data.metrics)
    head = "".join(
        f'<th scope="col">{cell}</th>'
        for cell in (
            both(say("best.rank")),
            *(f"<code>{escape(name)}</code>" for name in data.parameters),
            *(both(metric_name(name)) for name in names),
        )
    )
    rows = "".join(_set_row(data, i, ranked.index(i) + 1, names) for i in shown)
    table = (
        '<div class="sideways" tabindex="0" role="group" data-label="scroll_area">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    note = say("best.note", n=figures.number(len(shown)))
    return layout.section("section.best", table, anchor="best", note=note)


def _set_row(data: SweepReportData, index: int, rank: int, names: list[str]) -> str:
    chosen = index == data.chosen
    mark = f' <span class="tag">{both(say("best.chosen"))}</span>' if chosen else ""
    cells = [f'<th scope="row">{rank}{mark}</th>']
    cells += [f"<td>{_parameter(values[index])}</td>" for values in data.parameters.values()]
    cells += [
        f"<td>{metric_value(name, _counted(name, _at(data.metrics[name], index)))}</td>"
        for name in names
    ]
    return f"<tr{' class=on' if chosen else ''}>{''.join(cells)}</tr>"


def _counted(name: str, value: float | None) -> float | int | None:
    return int(value) if value is not None and name == "trades" else value


def _parameter(value: float) -> str:
    return figures.by_step(float(value), None)


def _warnings(data: SweepReportData) -> str:
    own = judged.own_warnings(
        data.identity, data.costs, data.coverage, data.overfitting, data.warnings
    )
    if data.failures:
        first = next(iter(data.failures.values()))
        own.append(say("failures.some", n=figures.number(len(data.failures)), first=first))
    return layout.warnings_section(own, data.warnings)
