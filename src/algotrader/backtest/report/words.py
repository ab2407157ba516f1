"""The words of the report in both languages: `assets/words.json`, one key a line.

A template holds `{name}` places and may hold `<b>` and `<code>`. Values are escaped before they
enter it, so a strategy named `<img onerror>` is shown as that text (F79).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from importlib import resources
from types import MappingProxyType
from typing import TypeAlias

from algotrader.backtest.report import figures
from algotrader.backtest.report.figures import Lang

LANGS: tuple[Lang, Lang] = ("en", "zh")
_TAG = re.compile(r"<[^>]+>")


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[Lang, str]]:
    """Every key of the report with its English and Chinese text."""
    file = resources.files("algotrader.backtest.report").joinpath("assets/words.json")
    pairs: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    return MappingProxyType({key: {"en": en, "zh": zh} for key, (en, zh) in pairs.items()})


@dataclass(frozen=True, slots=True)
class Value:
    """Something written differently in each language. `tone` is a class of the style sheet."""

    write: Callable[[Lang], str]
    tone: str | None = None


Part: TypeAlias = "Value | Phrase | str | int"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence of the catalogue with its values."""

    key: str
    values: Mapping[str, Part] = field(default_factory=dict)

    def text(self, lang: Lang) -> str:
        """Without markup: for titles, labels and tests."""
        template = _TAG.sub("", catalogue()[self.key][lang])
        return template.format(**{name: plain(v, lang) for name, v in self.values.items()})

    def html(self, lang: Lang) -> str:
        template = catalogue()[self.key][lang]
        return template.format(**{name: marked(v, lang) for name, v in self.values.items()})


def say(key: str, **values: Part) -> Phrase:
    return Phrase(key, values)


def known(key: str) -> bool:
    return key in catalogue()


def plain(part: Part, lang: Lang) -> str:
    if isinstance(part, Phrase):
        return part.text(lang)
    return part.write(lang) if isinstance(part, Value) else str(part)


def marked(part: Part, lang: Lang) -> str:
    """Escaped HTML of one language."""
    if isinstance(part, Phrase):
        return part.html(lang)
    text = escape(plain(part, lang))
    if isinstance(part, Value) and part.tone:
        return f'<span class="{part.tone}">{text}</span>'
    return text


def both(part: Part) -> str:
    """HTML that shows the language of the page; one text where both languages write the same."""
    en, zh = (marked(part, lang) for lang in LANGS)
    if en == zh:
        return en
    return f'<span lang="en">{en}</span><span lang="zh">{zh}</span>'


def joined(parts: Sequence[Part]) -> Part:
    """One after the other, with the comma of the language."""
    commas: dict[Lang, str] = {"en": ", ", "zh": "，"}
    return Value(lambda lang: commas[lang].join(plain(part, lang) for part in parts))


def tone_of(value: float, digits: int = 1) -> str | None:
    """`up` or `down`, the profit colours; nothing for what is written as zero."""
    rounded = round(value, digits)
    return "up" if rounded > 0 else "down" if rounded < 0 else None


def pct(value: float, digits: int = 1, *, signed: bool = False, profit: bool = False) -> Value:
    """A fraction as percent; `profit` gives sign and colour."""
    tone = tone_of(value * 100, digits) if profit else None
    return Value(lambda lang: figures.percent(value, lang, digits, signed=signed or profit), tone)


def amount(value: float, *, headline: bool = False) -> Value:
    """A profit or loss in money, with sign and colour."""
    text = figures.money(value, signed=True, headline=headline)
    return Value(lambda _lang: text, tone_of(value, 2))


def lasting(seconds: float) -> Value:
    return Value(lambda lang: figures.duration(seconds, lang))


def strong(text: str) -> Value:
    return Value(lambda _lang: text, "strong")
