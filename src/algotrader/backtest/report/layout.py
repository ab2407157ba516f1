"""Pieces every report is laid out with: identity, verdict, checks, key figures, lists, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from algotrader.backtest.metrics import Reason
from algotrader.backtest.report import figures
from algotrader.backtest.report.model import (
    Assumption,
    Identity,
    Metrics,
    Notice,
    Provenance,
    Scalar,
)
from algotrader.backtest.report.words import Part, Phrase, Value, both, known, pct, say

_TICK = '<path d="M1.5 6.5l3 3 6-7" fill="none" stroke="currentColor" stroke-width="1.6"/>'
_TRIANGLE = (
    '<path d="M6 1l5.2 10H.8z" fill="none" stroke="currentColor" stroke-width="1.3"/>'
    '<path d="M6 4.6v3M6 8.6v1.2" stroke="currentColor" stroke-width="1.3"/>'
)
WARN_MARK = f'<svg class="mark warn" viewBox="0 0 12 12" aria-hidden="true">{_TRIANGLE}</svg>'
TICK_MARK = f'<svg class="mark" viewBox="0 0 12 12" aria-hidden="true">{_TICK}</svg>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One of the five questions a reader asks first. `bad` is amber, well has no colour."""

    title: str  # key of the catalogue
    value: Part
    note: Part
    href: str
    bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    label: Part
    value: Part | None
    note: Part = ""


def section(
    key: str, content: str, *, anchor: str, note: Part = "", controls: str = "", extra: str = ""
) -> str:
    """A landmark with its heading. `controls` stand at the right of the heading."""
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-title"{extra}>'
        f'<div class="head"><h2 id="{anchor}-title">{both(say(key))}</h2>'
        f'<span class="note">{both(note)}</span>{controls}</div>{content}</section>'
    )


GESTURES = ' class="gestures"'  # of a section whose note says what to click: not on paper


def pair(left: str, right: str, *, wide: bool = False) -> str:
    return f'<div class="two{" wide" if wide else ""}">{left}{right}</div>'


def identity_line(identity: Identity) -> str:
    """Strategy, symbols, bars, range, capital, parameters, run."""
    symbols = identity.symbols
    shown = symbols[0] if len(symbols) == 1 else say("id.symbols", n=figures.number(len(symbols)))
    start = say(
        "id.start",
        capital=figures.number(identity.capital, 0 if identity.capital >= 1000 else 2),
        currency=identity.currency,
    )
    when = figures.day if identity.timeframe.endswith(("d", "w")) else figures.moment
    parts = [
        f"<h1>{escape(identity.strategy)}</h1>",
        f'<span title="{escape(", ".join(symbols))}">{both(shown)}</span>',
        f"<span>{both(bars_of(identity.timeframe))}</span>",
        f"<span>{when(identity.start)} → {when(identity.end)} UTC</span>",
        f"<span>{both(start)}</span>",
    ]
    if identity.parameters:
        parts.append(f"<code>{escape(parameter_text(identity.parameters))}</code>")
    parts.append(f"<code>run {escape(identity.run)}</code>")
    return f'<div class="id">{"".join(parts)}</div>'


def parameter_text(parameters: Mapping[str, Scalar]) -> str:
    return " ".join(f"{name}={figures.parameter(value)}" for name, value in parameters.items())


def bars_of(timeframe: str) -> Phrase:
    """`4h` -> `4 h bars`, `4 小时 K 线`."""
    count, unit = timeframe[:-1], timeframe[-1:]
    key = f"bars.{unit}"
    if count.isdigit() and known(key):
        return say(key, n=count)
    return say("bars.other", n=timeframe)


def verdict(headline: Phrase, because: Sequence[Phrase], alarms: Sequence[Phrase]) -> str:
    """The verdict in words, and what must be known before anything else, in amber."""
    english = " ".join(phrase.html("en") for phrase in because)
    chinese = "".join(phrase.html("zh") for phrase in because)
    reasons = f'<span lang="en">{english}</span><span lang="zh">{chinese}</span>'
    said = "".join(f'<li><a href="#notes">{WARN_MARK}{both(alarm)}</a></li>' for alarm in alarms)
    flags = f'<ul class="alarms">{said}</ul>' if said else ""
    return f'<p class="verdict">{both(headline)}</p><p class="because">{reasons}</p>{flags}'


def checks_row(checks: Iterable[Check]) -> str:
    checks = list(checks)
    cells = "".join(
        f'<a href="#{check.href}"{" class=bad" if check.bad else ""}>'
        f"<h2>{WARN_MARK if check.bad else TICK_MARK}{both(say(check.title))}</h2>"
        f"<p>{both(check.value)}</p><small>{both(check.note)}</small></a>"
        for check in checks
    )
    return f'<nav class="checks n{len(checks)}" data-label="checks">{cells}</nav>'


def key_figures(entries: Iterable[KeyFigure]) -> str:
    cells = []
    for entry in entries:
        shown = absent() if entry.value is None else both(entry.value)
        cells.append(
            f"<div><dt>{both(entry.label)}</dt><dd>{shown}</dd>"
            f"<dd class=sub>{both(entry.note)}</dd></div>"
        )
    return f'<dl class="keys">{"".join(cells)}</dl>'


def annual_return(metrics: Metrics, reasons: Mapping[str, str]) -> KeyFigure:
    """The return of a year beside its volatility, or that the run is too short to say."""
    note = qualified("key.volatility", share_of(metrics.get("volatility")))
    if (reason := reasons.get("annual_return")) == Reason.TOO_SHORT_FOR_A_YEAR:
        note = say(f"reason.{reason}")
    return KeyFigure(
        label=say("key.annual_return"),
        value=share_of(metrics.get("annual_return"), profit=True),
        note=note,
    )


def share_of(value: float | None, *, profit: bool = False) -> Part | None:
    return None if value is None else pct(value, profit=profit)


def ratio_of(value: float | None) -> Part | None:
    return None if value is None else figures.number(value, 2)


def qualified(key: str, part: Part | None) -> Part:
    """The small line below a key figure: empty where its metric is absent."""
    return "" if part is None else say(key, v=part)


def interval_of(bounds: tuple[float, float] | None) -> Part:
    if bounds is None:
        return ""
    low, high = (figures.number(bound, 2) for bound in bounds)
    return say("key.interval", low=low, high=high)


def absent(reason: str | None = None) -> str:
    """An en dash with the reason on hover; never 0, never blank."""
    key = f"reason.{reason}"
    hover = f' data-reason="{escape(reason)}"' if reason and known(key) else ""
    spoken = f'<span class="sr">{both(say(key))}</span>' if hover else ""
    return f'<span class="dim"{hover}>{figures.ABSENT}</span>{spoken}'


def notices(lines: Sequence[str]) -> str:
    if not lines:
        return f'<p class="empty">{both(say("warnings.none"))}</p>'
    items = "".join(f"<li>{WARN_MARK}<span>{line}</span></li>" for line in lines)
    return f'<ul class="list">{items}</ul>'


def key_values(rows: Iterable[tuple[str, str]]) -> str:
    """A table of two columns; both cells are HTML already."""
    cells = "".join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows)
    return f'<table class="kv"><tbody>{cells}</tbody></table>'


def assumptions_section(
    assumptions: Iterable[Assumption], more: Iterable[tuple[str, Part]] = ()
) -> str:
    """Everything the numbers rest on that is not data: one line each."""
    rows = []
    for line in assumptions:
        key = f"assumption.{line.key}"
        name = both(say(key)) if known(key) else escape(line.key)
        rows.append((name, both(spoken(line.en, line.zh))))
    rows += [(both(say(f"assumption.{key}")), both(part)) for key, part in more]
    content = key_values(rows) if rows else f'<p class="empty">{both(say("assumptions.none"))}</p>'
    return section("section.assumptions", content, anchor="assumptions")


def warnings_section(said: Sequence[Phrase], given: Sequence[Notice]) -> str:
    """What follows from the data, then what the run itself warned of."""
    lines = [both(phrase) for phrase in said] + [both(spoken(n.en, n.zh)) for n in given]
    return section("section.warnings", notices(lines), anchor="notes")


def spoken(en: str, zh: str | None) -> Value:
    """A text of the run's own, in one language or both."""
    return Value(lambda lang: (zh or en) if lang == "zh" else en)


def provenance_section(provenance: Provenance) -> str:
    """Versions, hashes, seed, source and the command that gives the same numbers again."""
    p = provenance
    facts: list[tuple[str, str | None]] = [
        ("run", p.run),
        ("version", f"algotrader {p.version}"),
        ("driver", p.driver),
        ("seed", None if p.seed is None else str(p.seed)),
        ("created", None if p.created_at is None else f"{figures.moment(p.created_at)} UTC"),
        ("data_hash", p.data_hash),
        ("data_source", p.data_source),
        ("data_licence", p.data_licence),
        ("code_hash", p.code_hash),
        ("parameters_hash", p.parameters_hash),
        ("configuration_hash", p.configuration_hash),
        *((name, version) for name, version in p.versions.items()),
    ]
    rows = [
        (
            both(say(f"provenance.{name}")) if known(f"provenance.{name}") else escape(name),
            f"<code>{escape(value)}</code>",
        )
        for name, value in facts
        if value is not None
    ]
    command = f"algotrader rerun {escape(p.run)}"
    again = (
        f'<p class="again">{both(say("provenance.again"))} <code>{command}</code> '
        f'<button type="button" class="small" data-copy="{command}">{both(say("copy"))}</button></p>'
    )
    table = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)
    content = f'<dl class="facts wide">{table}</dl>{again if p.again else ""}'
    return section("section.provenance", content, anchor="provenance")


def footer_lines(version: str) -> list[str]:
    return [
        f"AlgorithmTrader {escape(version)}",
        both(say("footer.times")),
        both(say("footer.past")),
    ]


def segment(name: str, label: str, choices: Sequence[tuple[str, str]]) -> str:
    """A switch of a chart or table: `data-NAME=value` buttons, the first one pressed."""
    buttons = "".join(
        f'<button type="button" data-{name}="{value}" aria-pressed="{str(i == 0).lower()}">'
        f"{both(say(key))}</button>"
        for i, (value, key) in enumerate(choices)
    )
    return f'<span class="seg" role="group" data-label="{label}">{buttons}</span>'


def chart(canvas: str, *, height: int, still: str = "") -> str:
    """A canvas with its legend line, its text summary and `Show as table`.

    `still` is the same as a drawing, for a reader without scripts.
    """
    button = (
        f'<button type="button" class="small link" data-table="{canvas}" aria-expanded="false">'
        f"{both(say('show_table'))}</button>"
    )
    instead = still or f'<p class="empty">{both(say("chart.noscript"))}</p>'
    return (
        f'<div class="read" id="{canvas}-read"></div>'
        f'<canvas id="{canvas}" style="height:{height}px" tabindex="0" role="img" '
        f'data-label="chart.{canvas}" aria-describedby="{canvas}-summary"></canvas>'
        f'<div class="under"><p class="summary" id="{canvas}-summary"></p>{button}</div>'
        f'<div class="astable" id="{canvas}-table" hidden></div>'
        f'<div class="noscript">{instead}</div>'
    )
