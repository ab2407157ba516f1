"""Small charts that are the same on every screen, drawn as SVG here: they read without scripts.

Colours are classes of the style sheet, so theme and profit colours switch under them. A text is
`v` (a value) or a label; both languages stand in the drawing and one is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np

from algotrader.backtest.report import figures
from algotrader.backtest.report.model import Floats, PathGuess
from algotrader.backtest.report.words import LANGS, Part, marked, pct, plain, say
from algotrader.backtest.waterfall import Step


def svg(width: int, height: int, content: str, title: Part) -> str:
    """A drawing that scales with its column and says in words what it shows."""
    names = "".join(
        f'<span class="sr" lang="{lang}">{marked(title, lang)}</span>' for lang in LANGS
    )
    wide = " wide" if width > 1000 else ""
    return (
        f'<div class="drawing{wide}">{names}<svg viewBox="0 0 {width} {height}" aria-hidden="true">'
        f"{content}</svg></div>"
    )


def text(x: float, y: float, part: Part, *, anchor: str = "middle", css: str = "") -> str:
    """A label in both languages, or one where they write the same."""
    style = f' class="{css}"' if css else ""
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}'
    en, zh = plain(part, "en"), plain(part, "zh")
    if en == zh:
        return f"<text {at}>{marked(part, 'en')}</text>"
    return "".join(f'<text {at} lang="{lang}">{marked(part, lang)}</text>' for lang in LANGS)


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def rect(x: float, y: float, width: float, height: float, css: str, hover: str = "") -> str:
    title = f"<title>{hover}</title>" if hover else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" '
        f'height="{max(0.0, height):.1f}" class="{css}">{title}</rect>'
    )


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round values between `low` and `high` at steps of 1, 2, 2.5 or 5 times a power of ten."""
    if high <= low:
        return [low]
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(k * power for k in (1, 2, 2.5, 5, 10) if k * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def waterfall(steps: Sequence[Step]) -> str:
    """Gross profit, what each cost took of it (or gave: rebates, funding), and what is left."""
    levels = list(accumulate(step.amount for step in steps[:-1]))
    gross, net = steps[0].amount, steps[-1].amount
    top, bottom = max(0.0, *levels, net), min(0.0, *levels, net)
    reach = (top - bottom) or 1.0
    digits = 0 if max(abs(step.amount) for step in steps) >= 1000 else 2

    def y(value: float) -> float:
        return 24 + (top - value) / reach * 126

    parts = [line(0, y(0.0), 480, y(0.0), "rule")]
    for i, step in enumerate(steps):
        whole = i in (0, len(steps) - 1)
        start = 0.0 if whole else levels[i - 1]
        end = start + step.amount
        x, upper = i * 82 + 4, min(y(start), y(end))
        parts.append(rect(x, upper, 54, max(1.5, abs(y(start) - y(end))), _step_colour(i, step)))
        if i < len(steps) - 1:
            parts.append(line(x + 54, y(end), x + 82, y(end), "dots"))
        shown = figures.number(step.amount, digits, signed=i > 0)
        parts.append(text(x + 27, upper - 6, shown, css="v"))
        parts.append(text(x + 27, 176, say(f"waterfall.{step.key}")))
        if gross > 0:
            share = step.amount if step.key == "net" else abs(step.amount)
            parts.append(text(x + 27, 190, pct(share / gross, 0)))
    amounts = {step.key: figures.money(step.amount, signed=True) for step in steps}
    return svg(480, 194, "".join(parts), say("svg.waterfall", **amounts))


def _step_colour(place: int, step: Step) -> str:
    """Grey for gross, copper for what was paid, teal for what was received, profit for net."""
    if place == 0:
        return "fill-ink3"
    if step.key == "net":
        return "up-fill" if step.amount > 0 else "down-fill"
    return "fill-c2" if step.amount <= 0 else "fill-c4"


def histogram(
    values: Floats,
    *,
    width: int = 560,
    height: int = 176,
    write: Callable[[float], Part],
    marks: Sequence[tuple[float, Part, str, str]] = (),
    by_sign: bool = False,
    title: Part,
) -> str:
    """Counts of `values`; `marks` are (value, label, line class, side `start` or `end`).

    With `by_sign` bars left of zero and right of it have the profit colours, and no bar holds both.
    """
    reach = np.concatenate([values, [m[0] for m in marks]]) if marks else values
    low, high = float(reach.min()), float(reach.max())
    edges = _edges(low, high, by_sign=by_sign)
    counts, _ = np.histogram(values, edges)
    most = max(1, int(counts.max()))
    base, room = height - 20, height - 20 - 44

    def x(value: float) -> float:
        return float((value - edges[0]) / (edges[-1] - edges[0]) * width)

    parts = []
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        if not count:
            continue
        css = ("up-fill" if right > 1e-12 else "down-fill") if by_sign else "fill-ink3 soft"
        tall = max(1.5, count / most * room)
        hover = f"{plain(write(float(left)), 'en')} … {plain(write(float(right)), 'en')}: {count}"
        parts.append(rect(x(left) + 0.5, base - tall, x(right) - x(left) - 1, tall, css, hover))
    parts.append(line(0, base + 0.5, width, base + 0.5, "rule"))
    for value in ticks(float(edges[0]), float(edges[-1]), 6):
        at = min(width - 12.0, max(12.0, x(value)))
        parts.append(text(at, height - 4, write(value)))
    for row, (value, label, css, side) in enumerate(marks):
        top = 2 + row * 19
        parts.append(line(x(value), top, x(value), base, css))
        inward = x(value) > width - 150 if side == "start" else x(value) > 150
        shift, anchor = (-5, "end") if inward else (5, "start")
        parts.append(text(x(value) + shift, top + 11, label, anchor=anchor, css=f"v {css}-text"))
    return svg(width, height, "".join(parts), title)


def _edges(low: float, high: float, *, by_sign: bool) -> Floats:
    """Some thirty equal bins; with `by_sign` one edge is zero."""
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5
    step = (high - low) / 28
    if by_sign:
        left, right = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return np.arange(min(left, -1), max(right, 1) + 1, dtype=np.float64) * step
    return np.linspace(low - step / 2, high + step / 2, 30)


def path_band(guess: PathGuess, net: float) -> str:
    """Net profit under the worst path, the reported one, finer bars and the best path."""
    points = [
        (guess.worst_profit, "path.worst", "c1", True),
        (guess.finer_profit, "path.finer", "ink2", False),
        (guess.best_profit, "path.best", "warn", True),
    ]
    if guess.reported != "worst":
        points.append((net, "path.reported", "c3", False))
    known = [(value, key, css, up) for value, key, css, up in points if value is not None]
    low, high = min(v for v, *_ in known), max(v for v, *_ in known)
    margin = (high - low) * 0.18 or abs(high) * 0.1 or 1.0
    left, right = low - margin, high + margin

    def x(value: float) -> float:
        return 70 + (value - left) / (right - left) * 420

    parts = [line(0, 46, 560, 46, "rule")]
    parts += [line(x(v), 42, x(v), 50, "rule") for v in ticks(left, right, 9)]
    parts.append(rect(x(low), 41, x(high) - x(low), 10, "fill-warn soft"))
    for value, key, css, up in known:
        parts.append(f'<circle cx="{x(value):.1f}" cy="46" r="5" class="fill-{css}"/>')
        shown = figures.money(value, signed=True, headline=True)
        name = say(key, finer=guess.finer_timeframe or "")
        if key == "path.worst" and guess.reported == "worst":
            name = say("path.worst_reported")
        parts.append(text(x(value), 24 if up else 74, shown, css="v"))
        parts.append(text(x(value), 10 if up else 88, name))
    title = say(
        "svg.path",
        worst=figures.money(low, signed=True),
        best=figures.money(high, signed=True),
    )
    return svg(560, 96, "".join(parts), title)
