"""The comparison as one HTML file, in the look of the reports: verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

import numpy as np

from algotrader.backtest.report import figures, layout, payload, still
from algotrader.backtest.report.compare import MODULES
from algotrader.backtest.report.figures import Lang
from algotrader.backtest.report.model import Floats
from algotrader.backtest.report.page import build_page
from algotrader.backtest.report.words import Part, Phrase, amount, both, pct, say
from algotrader.core.events import Decided
from algotrader.parity.causes import Cause, Compared, Sameness
from algotrader.parity.comparing import Parity
from algotrader.parity.replaying import Difference
from algotrader.parity.summary import Curve, Folded, curves, folded, last_gap, resized

_TERMS: Final = ("fills", "fees", "prices", "funding", "cash")
MOST_ROWS: Final = 400
"""Of a table; the rest is in `--json`."""


def render_parity(found: Parity, *, lang: Lang = "en") -> str:
    """The whole page."""
    both_sides = zip(("journal", "backtest"), curves(found), strict=True)
    lines = {name: curve for name, curve in both_sides if len(curve.ts)}
    body = [
        _identity(found),
        layout.verdict(_headline(found), _because(found), _alarms(found)),
        layout.checks_row(_checks(found)),
        layout.key_figures(_figures(found)),
        _chart(lines),
        _gap_section(lines),
        _causes_section(found),
        _differences_section(found),
        _sizes_section(found),
        _replay_section(found),
    ]
    return build_page(
        title=f"{found.run_id} · parity · AlgorithmTrader",
        kind=say("kind.parity"),
        body=body,
        footer=layout.footer_lines(found.replay.software),
        data=_payload(lines),
        modules=MODULES,
        lang=lang,
    )


def _identity(found: Parity) -> str:
    strategies = sorted({one.key.strategy for one in found.decisions})
    span = f"{figures.moment(found.span.first_ms)} → {figures.moment(found.span.last_ms)} UTC"
    return (
        f'<div class="id"><h1>{both(say("kind.parity"))}</h1>'
        f"<span>{escape(', '.join(strategies))}</span><span>{span}</span>"
        f"<code>run {escape(found.run_id)}</code></div>"
    )


def _headline(found: Parity) -> Phrase:
    counts = found.counts
    values: dict[str, Part] = {
        "n": figures.number(len(found.decisions)),
        "equal": figures.number(counts[Sameness.EQUAL] + counts[Sameness.WEIGHT]),
        "different": figures.number(counts[Sameness.DIFFERENT]),
        "unknown": figures.number(found.causes[Cause.UNKNOWN]),
        "all": figures.number(found.decided),
    }
    if found.causes[Cause.UNKNOWN]:
        return say("parity.headline.unknown", **values)
    if not found.is_conclusive:
        return say("parity.headline.inconclusive", **values)
    if counts[Sameness.DIFFERENT]:
        return say("parity.headline.different", **values)
    if counts[Sameness.WEIGHT]:
        return say("parity.headline.weight", **values)
    return say("parity.headline.equal", **values)


def _because(found: Parity) -> list[Phrase]:
    replay, gap = found.replay, last_gap(found)
    key = "parity.replay_equal" if replay.is_equal else "parity.replay_differs"
    said = [
        say(
            key,
            rows=figures.number(replay.rows),
            commands=figures.number(replay.commands),
            differing=figures.number(replay.steps - replay.equal),
        )
    ]
    if gap is not None:
        said.append(say("parity.apart", gap=amount(float(gap.whole))))
    return said


def _alarms(found: Parity) -> list[Phrase]:
    said = []
    if not found.replay.is_equal:
        said.append(say("parity.alarm.replay"))
    if not found.is_conclusive:
        said.append(say("parity.alarm.inconclusive"))
    if found.causes[Cause.UNKNOWN]:
        said.append(say("parity.alarm.unknown"))
    if found.replay.configurations_differ:
        said.append(say("parity.alarm.settings"))
    if not found.adds_up:
        said.append(say("parity.alarm.currencies"))
    if found.not_compared:
        said.append(say("parity.alarm.data", n=figures.number(found.not_compared)))
    return said


def _checks(found: Parity) -> list[layout.Check]:
    replay, counts, total = found.replay, found.counts, len(found.decisions)
    alike = counts[Sameness.EQUAL] + counts[Sameness.WEIGHT]
    unknown = found.causes[Cause.UNKNOWN]
    return [
        layout.Check(
            title="parity.check.replay",
            value=say("parity.of", a=figures.number(replay.equal), b=figures.number(replay.steps)),
            note=say("parity.check.replay_note"),
            href="notes",
            bad=not replay.is_equal,
        ),
        layout.Check(
            title="parity.check.decisions",
            value=say("parity.of", a=figures.number(alike), b=figures.number(total)),
            note=say("parity.check.decisions_note"),
            href="differences",
            bad=not found.is_conclusive,
        ),
        layout.Check(
            title="parity.check.causes",
            value=figures.number(unknown),
            note=say("parity.check.causes_note"),
            href="causes",
            bad=bool(unknown),
        ),
        layout.Check(
            title="parity.check.settings",
            value=say(f"parity.settings_{'other' if replay.configurations_differ else 'same'}"),
            note=say("parity.check.settings_note", n=figures.number(len(replay.starts))),
            href="notes",
            bad=replay.configurations_differ,
        ),
    ]


def _figures(found: Parity) -> list[layout.KeyFigure]:
    counts, gap = found.counts, last_gap(found)
    alike = counts[Sameness.EQUAL] + counts[Sameness.WEIGHT]
    return [
        layout.KeyFigure(label=say("parity.decisions"), value=figures.number(len(found.decisions))),
        layout.KeyFigure(
            label=say("parity.equal"),
            value=figures.number(alike),
            note=say("parity.in_weight", n=figures.number(counts[Sameness.WEIGHT])),
        ),
        layout.KeyFigure(
            label=say("parity.different"), value=figures.number(counts[Sameness.DIFFERENT])
        ),
        *(
            layout.KeyFigure(
                label=say(f"parity.gap.{name}"),
                value=None if gap is None else amount(float(getattr(gap, name))),
            )
            for name in _TERMS
        ),
    ]


def _chart(lines: Mapping[str, Curve]) -> str:
    if not lines:  # nothing was compared: no account decided within today's data
        return ""
    rebased = [(name, curve.ts, _rebased(curve, lines)) for name, curve in lines.items()]
    return layout.section(
        "parity.section.equity",
        layout.chart("equity", height=300, still=still.curves(rebased)),
        anchor="equity-chart",
        note=say("parity.equity_note"),
    )


def _gap_section(lines: Mapping[str, Curve]) -> str:
    """The journal's equity less the backtest's, at the decisions that both made."""
    ours, theirs = lines.get("journal"), lines.get("backtest")
    if ours is None or theirs is None:
        return ""
    ts, of_ours, of_theirs = np.intersect1d(ours.ts, theirs.ts, return_indices=True)
    apart = ours.equity[of_ours] - theirs.equity[of_theirs]
    if len(ts) < 2 or not apart.any():
        return ""
    return layout.section(
        "parity.section.gap",
        still.gap(ts, apart, say("parity.section.gap")),
        anchor="gap",
        note=say("parity.gap_note"),
    )


def _rebased(curve: Curve, lines: Mapping[str, Curve]) -> Floats:
    """Of 100 where the backtest begins."""
    begin = list(lines.values())[-1].equity[0]
    return np.asarray(curve.equity / begin * 100.0)


def _payload(lines: Mapping[str, Curve]) -> payload.Json:
    run = {"timeframe": "1h"}  # moments on the axis, not days alone
    return {
        "v": 1,
        "kind": "parity",
        "runs": [
            {"id": run, "label": name, **payload.curve(curve.ts, _rebased(curve, lines))}
            for name, curve in lines.items()
        ],
    }


def _causes_section(found: Parity) -> str:
    total = len(found.decisions)
    rows = "".join(
        f'<tr><th scope="row">{_cause(cause)}</th><td>{figures.number(count)}</td>'
        f"<td>{both(pct(count / total))}</td>"
        f'<td class="barcell"><i class="bar" style="--w:{count / total:.2%}"></i></td></tr>'
        for cause, count in found.causes.most_common()
    )
    head = _head("cause", "decisions", "share", "")
    table = f'<table class="parts">{head}<tbody>{rows}</tbody></table>'
    content = table if rows else f'<p class="empty">{both(say("parity.no_cause"))}</p>'
    return layout.section(
        "parity.section.causes", content, anchor="causes", note=say("parity.causes_note")
    )


def _differences_section(found: Parity) -> str:
    rows = folded(found.decisions)
    cells = "".join(_difference_row(one) for one in rows[-MOST_ROWS:])
    head = _head("time", "strategy", "instrument", "cause", "journal", "backtest", "why")
    content = _table(head, cells, "parity.no_difference")
    return layout.section(
        "parity.section.differences",
        content,
        anchor="differences",
        note=_shown(min(len(rows), MOST_ROWS), len(rows)),
    )


def _difference_row(one: Folded) -> str:
    first = one.first
    when = figures.moment(first.key.decision_ts)
    if one.count > 1:
        when = f"{when} → {one.until(figures.moment)}"
    times = f' <span class="tag">×{one.count}</span>' if one.count > 1 else ""
    return (
        f"<tr><td>{when}{times}</td><td class=left>{escape(first.key.strategy)}</td>"
        f"<td class=left>{escape(str(first.key.instrument))}</td>"
        f"<td class=left>{_cause(first.cause)}</td>"
        f"<td>{_side(first.journal)}</td><td>{_side(first.backtest)}</td>"
        f'<td class="left why">{escape(first.text)}</td></tr>'
    )


def _sizes_section(found: Parity) -> str:
    rows = resized(found.decisions)
    cells = "".join(_size_row(one) for one in rows[:MOST_ROWS])
    head = _head("time", "strategy", "instrument", "journal", "backtest", "gap", *_TERMS)
    return layout.section(
        "parity.section.sizes",
        _table(head, cells, "parity.no_size"),
        anchor="sizes",
        note=_shown(min(len(rows), MOST_ROWS), len(rows)) or say("parity.sizes_note"),
    )


def _size_row(one: Compared) -> str:
    gap = one.gap
    terms = [] if gap is None else [gap.whole, *(getattr(gap, name) for name in _TERMS)]
    money = "".join(f"<td>{both(amount(float(term)))}</td>" for term in terms)
    return (
        f"<tr><td>{figures.moment(one.key.decision_ts)}</td>"
        f"<td class=left>{escape(one.key.strategy)}</td>"
        f"<td class=left>{escape(str(one.key.instrument))}</td>"
        f"<td>{_side(one.journal)}</td><td>{_side(one.backtest)}</td>{money}</tr>"
    )


def _replay_section(found: Parity) -> str:
    replay = found.replay
    facts: list[tuple[str, str]] = [
        ("rows", figures.number(replay.rows)),
        ("steps", f"{figures.number(replay.equal)} / {figures.number(replay.steps)}"),
        (
            "commands",
            f"{figures.number(replay.equal_commands)} / {figures.number(replay.commands)}",
        ),
        ("software", escape(replay.software)),
        ("settings", f"<code>{escape(replay.configuration_hash[:16])}</code>"),
    ]
    rows = "".join(
        f"<div><dt>{both(say(f'parity.fact.{name}'))}</dt><dd>{value}</dd></div>"
        for name, value in facts
    )
    starts = "".join(
        f"<div><dt>{both(say('parity.fact.start'))} {figures.moment(one.time_ms)} UTC</dt>"
        f"<dd>{escape(one.software)} <code>{escape(one.configuration_hash[:16])}</code></dd></div>"
        for one in replay.starts
    )
    differences = layout.notices([_replay_difference(one) for one in replay.differences])
    shown = differences if replay.differences else ""
    return layout.section(
        "parity.section.replay",
        f'<dl class="facts wide">{rows}{starts}</dl>{shown}',
        anchor="notes",
        note=say("parity.replay_note"),
    )


def _replay_difference(one: Difference) -> str:
    texts = [("parity.journal", one.journal), ("parity.replayed", one.error or one.replayed)]
    shown = "".join(
        f"<br>{both(say(key))} <code>{escape(text or figures.ABSENT)}</code>" for key, text in texts
    )
    return (
        f"<b>{figures.number(one.seq)} {escape(one.kind)}</b> ← {escape(one.input)}, "
        f"{figures.moment(one.time_ms)}{shown}"
    )


def _cause(cause: Cause | None) -> str:
    if cause is None:
        return layout.absent()
    name = both(say(f"parity.cause.{cause.name.lower()}"))
    return f'<span class="tag w">{name}</span>' if cause is Cause.UNKNOWN else name


def _side(decided: Decided | None) -> str:
    """The weight wanted, and the position worked towards."""
    if decided is None:
        return layout.absent()
    weight = figures.ABSENT if decided.target is None else figures.significant(decided.target, 4)
    towards = decided.latched_quantity
    size = figures.ABSENT if towards is None else f"{towards.normalize():f}"
    return f'<span class="two-lines"><b>{size}</b><small>{weight}</small></span>'


def _head(*keys: str) -> str:
    left = ("strategy", "instrument", "cause", "why")
    cells = "".join(
        f'<th scope="col"{" class=left" if key in left else ""}>'
        f"{both(say(f'parity.column.{key}')) if key else ''}</th>"
        for key in keys
    )
    return f"<thead><tr>{cells}</tr></thead>"


def _table(head: str, rows: str, none: str) -> str:
    if not rows:
        return f'<p class="empty">{both(say(none))}</p>'
    return (
        '<div class="sideways" tabindex="0" role="group" data-label="scroll_area">'
        f"<table>{head}<tbody>{rows}</tbody></table></div>"
    )


def _shown(count: int, of: int) -> Part:
    if count == of:
        return ""
    return say("parity.shown", n=figures.number(count), of=figures.number(of))
