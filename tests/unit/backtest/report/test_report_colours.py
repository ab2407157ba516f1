"""The tokens are readable, also for colour-blind eyes: computed from the style sheet itself.

Contrast is that of WCAG 2.2. Colour-blind sight is simulated at full severity with the matrices of
Machado, Oliveira and Fernandes (2009), differences are Euclidean in CIELAB (D65).
"""

from __future__ import annotations

import re
from importlib import resources
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from algotrader.backtest.report.sections import STRONGEST

Floats = NDArray[np.float64]
ASSETS = resources.files("algotrader.backtest.report") / "assets"
STYLE = (ASSETS / "report.css").read_text()
SEEN = {
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
}  # fmt: skip
TEXT = ("ink", "ink-2", "ink-3", "act", "green", "red", "warn", "paper", "sandbox", "live")
MARKS = ("edge", "warn-fill", "ok", "c1", "c2", "c3", "c4", "c5", "c6")


def tokens(theme: str) -> dict[str, Floats]:
    """Linear sRGB of every colour of a theme."""
    blocks = re.findall(r"([^{}]+)\{([^}]*)\}", (ASSETS / "tokens.css").read_text())
    own = "".join(body for head, body in blocks if f'data-theme="{theme}"' in head)
    found = re.findall(r"--([\w-]+): #([0-9a-f]{6});", own)
    return {name: linear(value) for name, value in found}


def linear(value: str) -> Floats:
    s = np.array([int(value[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def contrast(a: Floats, b: Floats) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    light, dark = sorted((float(weights @ a), float(weights @ b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: Floats) -> Floats:
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]]
    )  # fmt: skip
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def mixed(a: Floats, b: Floats, share: float) -> Floats:
    """`color-mix(in oklab, a share, b)`, Ottosson (2020)."""
    to_lms = np.array(
        [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
         [0.0883024619, 0.2817188376, 0.6299787005]]
    )  # fmt: skip
    at = np.cbrt(to_lms @ a) * share + np.cbrt(to_lms @ b) * (1 - share)
    return np.clip(np.linalg.solve(to_lms, at**3), 0, 1)


themes = pytest.mark.parametrize("theme", ["dark", "light"])


@themes
@pytest.mark.parametrize("name", TEXT)
def test_text_has_a_contrast_of_4_5_on_a_panel(theme: str, name: str) -> None:
    colours = tokens(theme)

    assert contrast(colours[name], colours["panel"]) >= 4.5


@themes
@pytest.mark.parametrize("name", MARKS)
def test_marks_and_borders_of_controls_have_a_contrast_of_3(theme: str, name: str) -> None:
    colours = tokens(theme)

    assert contrast(colours[name], colours["panel"]) >= 3.0


@themes
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("warn", "warn-bg"),
        ("ink", "sel"),
        ("ink-3", "hover"),
        ("green", "hover"),
        ("red", "hover"),
        ("ink-3", "bg"),
        ("ink-3", "raise"),
    ],
)
def test_text_on_its_own_ground_has_a_contrast_of_4_5(theme: str, text: str, ground: str) -> None:
    colours = tokens(theme)

    assert contrast(colours[text], colours[ground]) >= 4.5


@themes
@pytest.mark.parametrize("level", ["mid", *(f"{s}-{i}" for s in ("neg", "pos") for i in (1, 2, 3)),
                                   *(f"seq-{i}" for i in (0, 1, 2, 4))])  # fmt: skip
def test_the_number_in_a_cell_of_the_heat_map_is_readable(theme: str, level: str) -> None:
    colours = tokens(theme)
    rule = re.search(rf"\.cells \.{level} \{{([^}}]*)\}}", STYLE)
    assert rule is not None
    text = "raise" if "; color: var(--raise)" in rule.group(1) else "ink"

    assert contrast(colours[text], colours[level]) >= 4.5


@themes
@pytest.mark.parametrize("side", ["green-bg", "red-bg"])
def test_the_number_in_a_month_is_readable_at_every_strength(theme: str, side: str) -> None:
    colours = tokens(theme)

    for strength in range(5, 5 + STRONGEST + 1):
        ground = mixed(colours[side], colours["panel"], strength / 100)
        assert contrast(colours["ink"], ground) >= 4.5, strength


@themes
@pytest.mark.parametrize("eyes", SEEN)
def test_profit_and_loss_are_told_apart_by_colour_blind_eyes(theme: str, eyes: str) -> None:
    colours = tokens(theme)
    up, down = (lab(SEEN[eyes] @ colours[name]) for name in ("green", "red"))

    assert np.linalg.norm(up - down) >= 22


@themes
@pytest.mark.parametrize("eyes", SEEN)
def test_six_series_are_told_apart_by_colour_blind_eyes(theme: str, eyes: str) -> None:
    colours = tokens(theme)
    seen = {name: lab(SEEN[eyes] @ colours[name]) for name in (f"c{i}" for i in range(1, 7))}

    for a, b in combinations(seen, 2):
        assert np.linalg.norm(seen[a] - seen[b]) >= 14, (a, b)
