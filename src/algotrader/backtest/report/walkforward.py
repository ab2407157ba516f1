"""The report of a walk-forward: what was made on data the parameters had not seen (R30)."""

from __future__ import annotations

from html import escape

from algotrader.backtest.report import (
    drawings,
    figures,
    headline,
    judged,
    layout,
    page,
    payload,
    sections,
)
from algotrader.backtest.report.figures import Lang
from algotrader.backtest.report.metric_table import metric_list
from algotrader.backtest.report.model import Fold, Scalar, WalkForwardReportData
from algotrader.backtest.report.words import Part, Phrase, both, pct, say, tone_of

WIDTH, NAMES, ROW = 1180, 34, 22  # drawing units: plot with its labels, room for the number, row


def render_walkforward(data: WalkForwardReportData, *, lang: Lang = "en") -> str:
    """One self-contained HTML page of a walk-forward."""
    total = data.metrics.get("total_return") or 0.0
    body = [
        layout.identity_line(data.identity),
        layout.verdict(
            headline.walked(total_return=total, folds=len(data.folds), kind=data.overfitting.kind),
            _because(data),
            judged.alarms(data.identity, data.costs, data.coverage, data.overfitting.kind),
        ),
        layout.checks_row(_checks(data)),
        layout.key_figures(_keys(data)),
        _strips(data.folds),
        sections.equity_section(
            data.equity,
            data.identity.capital,
            data.in_sample,
            title="section.oos",
            note="equity.note" if data.in_sample is None else "oos.note",
        ),
        _chosen(data.folds),
        _folds_table(data.folds),
        layout.pair(
            sections.months_section(data.months),
            sections.overfitting_section(data.overfitting, this="luck.chosen"),
        ),
        layout.section(
            "section.figures",
            metric_list(data.metrics, data.reasons, long_bars=data.identity.has_long_bars),
            anchor="figures",
            note=say("figures.note", currency=data.identity.currency),
        ),
        sections.coverage_section(data.coverage),
        layout.pair(_warnings(data), layout.assumptions_section(data.assumptions)),
        layout.provenance_section(data.provenance),
    ]
    return page.build_page(
        title=f"{data.identity.strategy} · {data.identity.run} · AlgorithmTrader",
        kind=say("kind.walkforward"),
        body=body,
        footer=layout.footer_lines(data.provenance.version),
        data=_payload(data),
        modules=page.ACCOUNT_MODULES,
        lang=lang,
    )


def _payload(data: WalkForwardReportData) -> payload.Json:
    return {
        "v": 1,
        "kind": "walkforward",
        "id": payload.identity(data.identity),
        "verdict": data.overfitting.kind.value,
        "metrics": payload.metrics(data.metrics),
        "efficiency": data.efficiency,
        "equity": payload.equity(data.equity, data.in_sample),
        "folds": [
            {
                "train": [f.train_start, f.train_end],
                "test": [f.test_start, f.test_end],
                "parameters": dict(f.parameters),
                "train_return": f.train_return,
                "train_sharpe": f.train_sharpe,
                "test_return": f.test_return,
                "test_sharpe": f.test_sharpe,
                "test_trades": f.test_trades,
            }
            for f in data.folds
        ],
    }


def _won(folds: tuple[Fold, ...]) -> int:
    return sum(f.test_return > 0 for f in folds)


def _because(data: WalkForwardReportData) -> list[Phrase]:
    said = []
    if data.efficiency is not None:
        said.append(say("because.efficiency", ratio=pct(data.efficiency, 0)))
    won, n = figures.number(_won(data.folds)), figures.number(len(data.folds))
    said.append(say("because.folds_won", won=won, n=n))
    said.extend(headline.luck(data.overfitting, of_set=True))
    said.append(say(f"next.walk.{data.overfitting.kind.value}"))
    return said


def _checks(data: WalkForwardReportData) -> list[layout.Check]:
    return [
        judged.data_check(data.coverage, generated=data.identity.generated),
        judged.look_ahead_check(data.look_ahead),
        judged.costs_check(data.costs, href="notes"),
        judged.overfitting_check(data.overfitting),
    ]


def _keys(data: WalkForwardReportData) -> list[layout.KeyFigure]:
    m = data.metrics
    days = m.get("max_drawdown_days")
    return [
        layout.KeyFigure(
            label=say("key.oos"), value=layout.share_of(m.get("total_return"), profit=True)
        ),
        layout.annual_return(m, data.reasons),
        layout.KeyFigure(
            label=say("key.sharpe"),
            value=layout.ratio_of(m.get("sharpe")),
            note=layout.interval_of(data.sharpe_interval),
        ),
        layout.KeyFigure(
            label=say("key.max_drawdown"),
            value=layout.share_of(m.get("max_drawdown"), profit=True),
            note="" if days is None else say("key.under_water", days=figures.number(days)),
        ),
        layout.KeyFigure(
            label=say("key.folds"),
            value=figures.number(len(data.folds)),
            note=say("key.folds_note", won=figures.number(_won(data.folds))),
        ),
        layout.KeyFigure(
            label=say("key.efficiency"),
            value=None if data.efficiency is None else pct(data.efficiency, 0),
            note=say("key.efficiency_note"),
        ),
        layout.KeyFigure(
            label=say("key.trades"),
            value=figures.number(m.get("trades") or 0),
            note=layout.qualified("key.win_rate", layout.share_of(m.get("win_rate"))),
        ),
        layout.KeyFigure(
            label=say("key.benchmark"),
            value=layout.share_of(m.get("benchmark_return"), profit=True),
            note=layout.qualified("key.drawdown", layout.share_of(m.get("benchmark_max_drawdown"))),
        ),
    ]


def _strips(folds: tuple[Fold, ...]) -> str:
    """One row a step on one time axis: training a hairline, the test a bar with its return."""
    x = _Axis(folds)
    bottom = len(folds) * ROW
    parts = x.marks(bottom)
    for row, fold in enumerate(folds):
        y = row * ROW + ROW / 2
        tone = tone_of(fold.test_return * 100)
        css = f"{tone}-fill" if tone else "fill-ink3"  # what is written as zero has no colour
        parts.append(drawings.text(0, y + 4, str(row + 1), anchor="start"))
        parts.append(drawings.line(x(fold.train_start), y, x(fold.train_end), y, "hair"))
        left, right = x(fold.test_start), x(fold.test_end)
        parts.append(drawings.rect(left, y - 5, max(2.0, right - left), 10, css))
        shown = pct(fold.test_return, 1, signed=True)
        room = right + 64 < WIDTH
        at, anchor = (right + 6, "start") if room else (x(fold.train_start) - 6, "end")
        if not room and at < NAMES + 60:
            at, anchor = left - 6, "end"
        parts.append(drawings.text(at, y + 4, shown, anchor=anchor, css="v halo"))
    title = say("svg.folds", n=figures.number(len(folds)))
    drawing = drawings.svg(WIDTH, bottom + 20, "".join(parts), title)
    return layout.section("section.folds", drawing, anchor="folds", note=say("folds.note"))


class _Axis:
    """Time across the drawing, from the first training window to the last test window."""

    def __init__(self, folds: tuple[Fold, ...]) -> None:
        self.start = min(f.train_start for f in folds)
        self.end = max(f.test_end for f in folds)

    def __call__(self, ts: int) -> float:
        share = (ts - self.start) / ((self.end - self.start) or 1)
        return NAMES + share * (WIDTH - NAMES - 70)

    def marks(self, bottom: float) -> list[str]:
        """Six dates with their hairlines."""
        parts = []
        for i in range(6):
            ts = self.start + (self.end - self.start) * i // 5
            parts.append(drawings.line(self(ts), 0, self(ts), bottom, "gridline"))
            anchor = "start" if i == 0 else "middle"
            parts.append(drawings.text(self(ts), bottom + 15, figures.day(ts)[:7], anchor=anchor))
        return parts


def _chosen(folds: tuple[Fold, ...]) -> str:
    """Each parameter as a step line in its own range, its values printed where they change."""
    names = list(dict.fromkeys(name for f in folds for name in f.parameters))
    x, parts, height = _Axis(folds), [], 44
    for row, name in enumerate(names):
        top = row * height + 18
        values = [f.parameters.get(name) for f in folds]
        parts.append(drawings.text(0, top - 4, name, anchor="start", css="v"))
        parts.append(drawings.line(0, top + height - 20, WIDTH - 70, top + height - 20, "gridline"))
        parts += _steps(x, folds, values, top, height - 26, f"s{row % 6 + 1}")
    title = say("svg.chosen", names=", ".join(names))
    drawing = drawings.svg(WIDTH, len(names) * height + 4, "".join(parts), title)
    return layout.section("section.chosen", drawing, anchor="chosen", note=say("chosen.note"))


def _steps(
    x: _Axis,
    folds: tuple[Fold, ...],
    values: list[Scalar | None],
    top: float,
    height: float,
    css: str,
) -> list[str]:
    ranks = sorted({str(v): v for v in values}.values(), key=_order)
    place = {str(v): i for i, v in enumerate(ranks)}
    last: Scalar | None = None
    path: list[str] = []
    parts: list[str] = []
    for fold, value in zip(folds, values, strict=True):
        share = place[str(value)] / (len(ranks) - 1) if len(ranks) > 1 else 0.5
        y = top + (1 - share) * height
        left, right = x(fold.test_start), x(fold.test_end)
        path.append(f"{'L' if path else 'M'}{left:.1f} {y:.1f}L{right:.1f} {y:.1f}")
        if value != last:
            parts.append(drawings.text(left + 3, y - 3, str(value), anchor="start", css="halo"))
        last = value
    return [f'<path d="{"".join(path)}" class="{css}"/>', *parts]


def _order(value: Scalar | None) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 1, 0.0, str(value)


def _folds_table(folds: tuple[Fold, ...]) -> str:
    columns = ("fold", "fold.train", "fold.test", "fold.parameters", "fold.in_return",
               "fold.out_return", "fold.in_sharpe", "fold.out_sharpe", "key.trades")  # fmt: skip
    head = "".join(f'<th scope="col">{both(say(key))}</th>' for key in columns)
    rows = "".join(_fold_row(i, fold) for i, fold in enumerate(folds, 1))
    table = (
        '<div class="sideways" tabindex="0" role="group" data-label="scroll_area">'
        f"<table class=steps><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return layout.section("section.steps", table, anchor="steps")


def _fold_row(number: int, fold: Fold) -> str:
    def shown(part: Part | None) -> str:
        return layout.absent() if part is None else both(part)

    cells = [
        f"{figures.day(fold.train_start)} → {figures.day(fold.train_end)}",
        f"{figures.day(fold.test_start)} → {figures.day(fold.test_end)}",
        f"<code>{escape(layout.parameter_text(fold.parameters))}</code>",
        shown(layout.share_of(fold.train_return, profit=True)),
        shown(layout.share_of(fold.test_return, profit=True)),
        shown(layout.ratio_of(fold.train_sharpe)),
        shown(layout.ratio_of(fold.test_sharpe)),
        shown(None if fold.test_trades is None else figures.number(fold.test_trades)),
    ]
    row = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{number}</th>{row}</tr>'


def _warnings(data: WalkForwardReportData) -> str:
    own = judged.own_warnings(
        data.identity, data.costs, data.coverage, data.overfitting, data.warnings
    )
    return layout.warnings_section(own, data.warnings)
