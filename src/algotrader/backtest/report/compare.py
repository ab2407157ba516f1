"""Several runs side by side: rebased equity, what differs in their assumptions, their metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from algotrader.backtest.report import figures, layout, payload, still
from algotrader.backtest.report.figures import Lang
from algotrader.backtest.report.metric_table import (
    BETTER_IS_UNKNOWN,
    LESS_IS_BETTER,
    group_of,
    metric_name,
    metric_value,
    ordered,
)
from algotrader.backtest.report.model import ComparedRun, CompareReportData, Floats
from algotrader.backtest.report.page import build_page
from algotrader.backtest.report.words import Part, Phrase, Value, both, known, plain, say

MODULES = ("core.js", "decode.js", "axis.js", "zoom.js", "equity.js", "main.js", "compare.js")


def render_compare(data: CompareReportData, *, lang: Lang = "en") -> str:
    """One self-contained HTML page of two to six runs."""
    facts = _facts(data.runs)
    differing = _differing(data.runs)
    body = [
        _names(data.runs),
        layout.verdict(
            _headline(data.runs), _because(data.runs, differing), _alarms(data.runs, differing)
        ),
        layout.section(
            "section.rebased",
            layout.chart("equity", height=380, still=_still(data.runs)),
            anchor="equity-chart",
            note=say("compare.rebased_note"),
            controls=layout.segment("scale", "scale", (("linear", "linear"), ("log", "log"))),
        ),
        layout.section(
            "section.compared",
            _table(data.runs, facts),
            anchor="notes",
            note=say("compare.note"),
        ),
    ]
    return build_page(
        title=f"{' · '.join(r.identity.run for r in data.runs)} · AlgorithmTrader",
        kind=say("kind.compare"),
        body=body,
        footer=layout.footer_lines(data.version),
        data=_payload(data.runs),
        modules=MODULES,
        lang=lang,
    )


def differences(data: CompareReportData, lang: Lang = "en") -> list[str]:
    """In words, the assumptions in which the runs differ: `Bars`, `Fees`, …"""
    return [plain(name, lang) for name in _differing(data.runs)]


def _differing(runs: Sequence[ComparedRun]) -> list[Part]:
    facts = [(say(f"compare.{name}"), cells) for name, cells in _facts(runs) if name in ASSUMED]
    assumed = [(_assumption_name(key), cells) for key, cells in _assumptions(runs)]
    return [name for name, cells in (*facts, *assumed) if len(set(cells)) > 1]


def _assumption_name(key: str) -> Part:
    return say(f"assumption.{key}") if known(f"assumption.{key}") else key


def _payload(runs: Sequence[ComparedRun]) -> payload.Json:
    return {
        "v": 1,
        "kind": "compare",
        "runs": [
            {
                "id": payload.identity(run.identity),
                "label": label,
                "verdict": run.verdict.value,
                "metrics": payload.metrics(run.metrics),
                **payload.curve(run.ts, _rebased(run)),
            }
            for run, label in zip(runs, _labels(runs), strict=True)
        ],
    }


def _rebased(run: ComparedRun) -> Floats:
    return np.asarray(run.equity / run.equity[0] * 100.0)


def _still(runs: Sequence[ComparedRun]) -> str:
    labels = _labels(runs)
    return still.curves([(n, r.ts, _rebased(r)) for n, r in zip(labels, runs, strict=True)])


def _labels(runs: Sequence[ComparedRun]) -> list[str]:
    """The strategy's name where it tells the runs apart, else with the run."""
    names = [run.identity.strategy for run in runs]
    if len(set(names)) == len(names):
        return names
    return [f"{run.identity.strategy} {run.identity.run}" for run in runs]


def _names(runs: Sequence[ComparedRun]) -> str:
    shown = "".join(f"<code>{escape(run.identity.run)}</code>" for run in runs)
    return f'<div class="id"><h1>{both(say("kind.compare"))}</h1>{shown}</div>'


def _headline(runs: Sequence[ComparedRun]) -> Phrase:
    scored = [
        (sharpe, label)
        for run, label in zip(runs, _labels(runs), strict=True)
        if (sharpe := run.metrics.get("sharpe")) is not None
    ]
    n = figures.number(len(runs))
    if not scored:
        return say("compare.no_sharpe", n=n)
    sharpe, best = max(scored)
    return say("compare.headline", n=n, best=best, sharpe=figures.number(sharpe, 2))


def _same_period(runs: Sequence[ComparedRun]) -> bool:
    return len({(run.identity.start, run.identity.end) for run in runs}) == 1


def _because(runs: Sequence[ComparedRun], differing: Sequence[Part]) -> list[Phrase]:
    said = [
        say("compare.differ", n=figures.number(len(differing)))
        if differing
        else say("compare.same")
    ]
    if not _same_period(runs):
        said.append(say("compare.period"))
    return said


def _alarms(runs: Sequence[ComparedRun], differing: Sequence[Part]) -> list[Phrase]:
    said = [say("compare.warning_differ")] if differing else []
    if not _same_period(runs):
        said.append(say("compare.warning_period"))
    if any(run.identity.generated for run in runs):
        said.append(say("alarm.generated"))
    return said


# Facts that make a comparison unfair when they differ; strategy and parameters are its subject.
ASSUMED = frozenset(
    {"symbols", "timeframe", "range", "capital", "currency", "coverage", "generated", "driver"}
)


def _facts(runs: Sequence[ComparedRun]) -> list[tuple[str, list[str]]]:
    """What each run is, as HTML cells."""

    def prices(run: ComparedRun) -> str:
        return both(say(f"compare.generated_{'yes' if run.identity.generated else 'no'}"))

    def coverage(run: ComparedRun) -> str:
        if run.coverage is None:
            return layout.absent()
        ratio = int(run.coverage * 10_000 + 1e-9) / 10_000
        return both(Value(lambda lang: figures.percent(ratio, lang, 2)))

    write: dict[str, Callable[[ComparedRun], str]] = {
        "symbols": lambda r: escape(", ".join(r.identity.symbols)),
        "timeframe": lambda r: escape(r.identity.timeframe),
        "range": lambda r: f"{_day(r.identity.start)} → {_day(r.identity.end)}",
        "capital": lambda r: figures.money(r.identity.capital, headline=True),
        "currency": lambda r: escape(r.identity.currency),
        "coverage": coverage,
        "generated": prices,
        "driver": lambda r: escape(r.identity.driver),
        "parameters": lambda r: (
            f"<code>{escape(layout.parameter_text(r.identity.parameters))}</code>"
        ),
        "verdict": lambda r: both(say(f"verdict.{r.verdict.value}")),
    }
    return [(name, [function(run) for run in runs]) for name, function in write.items()]


def _day(ts: int) -> str:
    return f'<span class="day">{figures.day(ts)}</span>'


def _assumptions(runs: Sequence[ComparedRun]) -> list[tuple[str, list[str]]]:
    keys = dict.fromkeys(a.key for run in runs for a in run.assumptions)
    rows = []
    for key in keys:
        cells = []
        for run in runs:
            own = next((a for a in run.assumptions if a.key == key), None)
            cells.append(layout.absent() if own is None else both(layout.spoken(own.en, own.zh)))
        rows.append((key, cells))
    return rows


def _table(runs: Sequence[ComparedRun], facts: list[tuple[str, list[str]]]) -> str:
    """Rows that differ in assumptions first and amber, then the metrics, then what is shared."""
    head = "".join(
        f'<th scope="col"><span class="sw s{i}-top"></span> {escape(label)}</th>'
        for i, label in enumerate(_labels(runs), 1)
    )
    stated = [(say(f"compare.{name}"), cells, name in ASSUMED) for name, cells in facts]
    assumed: list[tuple[Part, list[str], bool]] = [
        (_assumption_name(key), cells, True) for key, cells in _assumptions(runs)
    ]
    rows = [*stated, *assumed]
    unfair = [
        _plain_row(name, cells, "differs")
        for name, cells, matters in rows
        if matters and len(set(cells)) > 1
    ]
    own = [_plain_row(name, cells, "") for name, cells, matters in rows if not matters]
    shared = [
        _plain_row(name, cells, "shared")
        for name, cells, matters in rows
        if matters and len(set(cells)) == 1
    ]
    metrics = _metric_rows(runs)
    body = "".join([*unfair, *own, *metrics, *shared])
    return (
        '<div class="sideways" tabindex="0" role="group" data-label="scroll_area">'
        f'<table class="compared"><thead><tr><th scope="col">{both(say("compare.metric"))}</th>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _plain_row(name: Part, cells: Sequence[str], css: str) -> str:
    mark = layout.WARN_MARK if css == "differs" else ""
    values = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr class="{css}"><th scope="row">{mark}{both(name)}</th>{values}</tr>'


def _metric_rows(runs: Sequence[ComparedRun]) -> list[str]:
    """Every metric, each group under its title."""
    rows, group = [], None
    for name in ordered({n for r in runs for n in r.metrics}):
        own = group_of(name)
        if own != group:
            title = both(say(f"group.{own}"))
            rows.append(
                f'<tr class="group"><th scope="colgroup" colspan="{len(runs) + 1}">{title}</th></tr>'
            )
            group = own
        rows.append(_metric_row(name, runs))
    return rows


def _metric_row(name: str, runs: Sequence[ComparedRun]) -> str:
    values = [run.metrics.get(name) for run in runs]
    long_bars = all(run.identity.has_long_bars for run in runs)
    best = _best_of(name, [v for v in values if v is not None])
    cells = "".join(
        f"<td{' class=best' if v is not None and v == best else ''}>{metric_value(name, v)}</td>"
        for v in values
    )
    return f'<tr><th scope="row">{both(metric_name(name, long_bars=long_bars))}</th>{cells}</tr>'


def _best_of(name: str, values: Sequence[float | int]) -> float | int | None:
    """The best of a row; nothing where there is no better, or all are equal."""
    if name in BETTER_IS_UNKNOWN or len(set(values)) < 2:
        return None
    return min(values) if name in LESS_IS_BETTER else max(values)
