"""A small picture of equity by day, for a phone: a line, its ends, and the amounts beside it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from algotrader.core.errors import UsageError
from algotrader.core.units import format_money
from algotrader.ops.notification.equity import Day

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 24, 150, 28, 44  # free around the line
_FINER: Final = 2  # drawn so much larger, then made smaller: smooth lines
_PAPER, _LINE, _INK, _EQUITY = "#ffffff", "#dcdfe0", "#465159", "#005bc8"
_TEXT: Final = 17


def equity_picture(days: Sequence[Day]) -> bytes:
    """PNG of 720 x 320 points. ValueError for fewer than two days, UsageError without the extra."""
    if len(days) < 2:
        raise ValueError(f"a line needs two days, got {len(days)}")
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise UsageError(
            "notification.extra", "pillow is not installed",
            hint='pip install "algotrader[notify]"',
        ) from error  # fmt: skip
    large = Image.new("RGB", (_WIDTH * _FINER, _HEIGHT * _FINER), _PAPER)
    _draw(ImageDraw.Draw(large), days)
    kept = io.BytesIO()
    large.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(kept, "PNG", optimize=True)
    return kept.getvalue()


def line_points(worths: Sequence[float]) -> list[tuple[float, float]]:
    """Where each day lies, left to right, in points of the picture; the largest at the top."""
    least, most = min(worths), max(worths)
    span = (most - least) or 1.0
    step = (_WIDTH - _LEFT - _RIGHT) / (len(worths) - 1)
    height = _HEIGHT - _TOP - _BOTTOM
    return [
        (_LEFT + step * place, _TOP + height * (most - worth) / span)
        for place, worth in enumerate(worths)
    ]


def _draw(draw: ImageDraw, days: Sequence[Day]) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(_TEXT * _FINER)
    worths = [float(day.equity) for day in days]
    points = line_points(worths)
    marks = {worths.index(max(worths)): max(worths), worths.index(min(worths)): min(worths)}
    for place, worth in marks.items():
        y = points[place][1]
        draw.line(_scaled([(_LEFT, y), (_WIDTH - _RIGHT, y)]), fill=_LINE, width=_FINER)
        _write(draw, font, (_WIDTH - _RIGHT + 10, y), format_money(worth), _INK, "lm")
    draw.line(_scaled(points), fill=_EQUITY, width=3 * _FINER, joint="curve")
    x, y = points[-1]
    radius = 4
    draw.ellipse(_scaled([(x - radius, y - radius), (x + radius, y + radius)]), fill=_EQUITY)
    if min(abs(y - points[place][1]) for place in marks) > 1.5 * _TEXT:
        _write(draw, font, (x + 10, y), format_money(worths[-1]), _EQUITY, "lm")
    foot = _HEIGHT - _BOTTOM / 2
    _write(draw, font, (_LEFT, foot), days[0].day, _INK, "lm")
    _write(draw, font, (_WIDTH - _RIGHT, foot), days[-1].day, _INK, "rm")


def _write(
    draw: ImageDraw, font: Any, at: tuple[float, float], text: str, colour: str, anchor: str
) -> None:
    plain = text.replace("−", "-")  # the font has no true minus
    draw.text((at[0] * _FINER, at[1] * _FINER), plain, fill=colour, font=font, anchor=anchor)


def _scaled(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * _FINER, y * _FINER) for x, y in points]
