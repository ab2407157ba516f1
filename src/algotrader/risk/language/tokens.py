"""The words of a condition, each with the column it begins at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_CHARACTERS: Final = 500
MAX_TOKENS: Final = 120

_UNITS: Final = {"%": 0.01, "bps": 0.0001, "": 1.0}
_WORD: Final = re.compile(
    r"(?P<blank>[ \t\n]+)"
    r"|(?P<number>(?:[0-9]+(?:_[0-9]{3})*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)"
    r"(?P<unit>%|bps\b)?"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|==|!=|&&|\|\||[-+*/()<>,=!])"
)
_INSTEAD: Final = {
    "==": "numbers are compared with <, <=, >, >=",
    "!=": "numbers are compared with <, <=, >, >=",
    "=": "numbers are compared with <, <=, >, >=",
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    ".": "there are no attributes: write one of the listed names",
    "[": "there are no lists: `close` is the last close",
    '"': "there are no texts: a rule is about numbers",
    "'": "there are no texts: a rule is about numbers",
    "^": "there are no powers: write a * a",
}


class ConditionError(ValueError):
    """A condition that cannot be read. `column` counts from 1; `hint` says what helps."""

    def __init__(self, text: str, column: int, message: str, hint: str) -> None:
        self.text, self.column, self.message, self.hint = text, column, message, hint
        super().__init__(f"column {column}: {message}; {hint}")

    def pointed(self) -> str:
        """The condition with a mark under the column, and what is wrong."""
        line = self.text.replace("\n", " ").replace("\t", " ")
        return f"{line}\n{' ' * (self.column - 1)}^ {self.message}\n{self.hint}"


class TokenKind(StrEnum):
    NUMBER = "number"
    NAME = "name"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    kind: TokenKind
    text: str
    column: int  # from 1
    number: float = 0.0  # of a number, percent and bps taken into account


def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of a condition, an end after them. ConditionError with the column of what is none."""
    if len(text) > MAX_CHARACTERS:
        raise ConditionError(
            text,
            MAX_CHARACTERS + 1,
            f"a condition has at most {MAX_CHARACTERS} characters, this one has {len(text)}",
            "make two rules of it",
        )
    found = tuple(_scan(text))
    if len(found) > MAX_TOKENS:
        raise ConditionError(
            text,
            found[MAX_TOKENS].column,
            f"a condition has at most {MAX_TOKENS} words",
            "make two rules of it",
        )
    return (*found, Token(kind=TokenKind.END, text="", column=len(text) + 1))


def _scan(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            sign = text[at]
            hint = _INSTEAD.get(sign, "use numbers, the listed names, and + - * / < <= > >= ( )")
            raise ConditionError(text, at + 1, f"{sign!r} is not part of a condition", hint)
        at = match.end()
        if match["blank"]:
            continue
        yield _token(text, match)


def _token(text: str, match: re.Match[str]) -> Token:
    column = match.start() + 1
    if match["number"]:
        number = float(match["number"].replace("_", "")) * _UNITS[match["unit"] or ""]
        return Token(kind=TokenKind.NUMBER, text=match[0], column=column, number=number)
    if match["name"]:
        return Token(kind=TokenKind.NAME, text=match["name"], column=column)
    sign = match["sign"]
    if sign in _INSTEAD:
        raise ConditionError(text, column, f"{sign!r} is not part of a condition", _INSTEAD[sign])
    return Token(kind=TokenKind.SIGN, text=sign, column=column)
