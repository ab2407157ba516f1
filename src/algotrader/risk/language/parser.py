"""From text to a typed tree, by recursive descent.

condition  = either
either     = both { "or" both }
both       = negation { "and" negation }
negation   = "not" negation | comparison
comparison = sum ( "<" | "<=" | ">" | ">=" ) sum  |  "(" condition ")"
sum        = product { ( "+" | "-" ) product }
product    = factor { ( "*" | "/" ) factor }
factor     = "-" factor | number | name [ "(" number ")" ] | "(" sum ")"
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

from algotrader.core.spelling import nearest
from algotrader.risk.language.tokens import ConditionError, Token, TokenKind, tokens_of
from algotrader.risk.language.tree import (
    COMPARISONS,
    Arithmetic,
    Both,
    Comparison,
    Condition,
    Either,
    Figure,
    Literal,
    Not,
    Operator,
    Truth,
    Typed,
)
from algotrader.risk.language.vocabulary import FRACTION, VOCABULARY, Argument, Kind, Word

MAX_DEPTH: Final = 20
MAX_BARS: Final = 5_000
_WORDS: Final = frozenset({"and", "or", "not"})
_COMPARE: Final = "compare two numbers, for instance drawdown > 10%"
T = TypeVar("T")


@lru_cache(maxsize=256)
def parse_condition(text: str) -> Condition:
    """The condition a text stands for. ConditionError says the column, what is wrong and a hint."""
    return Condition(text=text, tree=_Parser(text).condition())


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._at = 0
        self._depth = 0

    def condition(self) -> Truth:
        found = self._truth(self._either())
        if self._next.kind is not TokenKind.END:
            raise self._error(self._next, f"{self._next.text!r} was not expected here", _COMPARE)
        return found

    # Truths. A bracket may hold either sort, so these give a number back where they met one.

    def _either(self) -> Truth | Typed:
        return self._joined("or", self._both, lambda left, right: Either(left=left, right=right))

    def _both(self) -> Truth | Typed:
        return self._joined("and", self._negation, lambda left, right: Both(left=left, right=right))

    def _joined(
        self,
        word: str,
        part: Callable[[], Truth | Typed],
        join: Callable[[Truth, Truth], Truth],
    ) -> Truth | Typed:
        found = part()
        while self._next.kind is TokenKind.NAME and self._next.text == word:
            self._advance()
            found = join(self._truth(found), self._truth(part()))
        return found

    def _negation(self) -> Truth | Typed:
        if self._next.kind is TokenKind.NAME and self._next.text == "not":
            self._advance()
            return Not(inner=self._truth(self._deeper(self._negation)))
        return self._comparison()

    def _comparison(self) -> Truth | Typed:
        left = self._sum()
        sign = self._next
        if sign.kind is not TokenKind.SIGN or sign.text not in COMPARISONS:
            return left
        self._advance()
        first, second = self._number(left), self._number(self._sum())
        self._common(first, second, sign)
        if self._next.kind is TokenKind.SIGN and self._next.text in COMPARISONS:
            raise self._error(
                self._next, "comparisons do not chain", "write a < b and b < c instead of a < b < c"
            )
        return Comparison(operator=sign.text, left=first.number, right=second.number)

    # Numbers

    def _sum(self) -> Truth | Typed:
        found = self._product()
        while self._is_sign("+", "-"):
            sign = self._advance()
            left, right = self._number(found), self._number(self._product())
            kind = self._common(left, right, sign)
            found = _arithmetic(sign, left, right, kind)
        return found

    def _product(self) -> Truth | Typed:
        found = self._factor()
        while self._is_sign("*", "/"):
            sign = self._advance()
            left, right = self._number(found), self._number(self._factor())
            found = _arithmetic(sign, left, right, _product_kind(sign, left.kind, right.kind))
        return found

    def _factor(self) -> Truth | Typed:
        token = self._next
        if self._is_sign("-"):
            self._advance()
            inner = self._number(self._deeper(self._factor))
            zero = Typed(number=Literal(value=0.0), kind=inner.kind, column=token.column)
            return _arithmetic(token, zero, inner, inner.kind)
        if self._is_sign("("):
            self._advance()
            bracketed = self._deeper(self._either)
            self._expect(")", "close the bracket that was opened")
            return bracketed
        if token.kind is TokenKind.NUMBER:
            self._advance()
            return Typed(number=Literal(value=token.number), kind=None, column=token.column)
        if token.kind is TokenKind.NAME and token.text not in _WORDS:
            return self._named()
        if token.kind is TokenKind.END:
            raise self._error(token, "the condition ends here, a number is missing", _COMPARE)
        raise self._error(token, f"expected a number or a name, not {token.text!r}", _COMPARE)

    def _named(self) -> Typed:
        token = self._advance()
        word = VOCABULARY.get(token.text)
        if word is None:
            near = nearest(token.text, VOCABULARY)
            known = "the names are listed in the reference of risk rules"
            hint = f"did you mean {near}?" if near else known
            raise self._error(token, f"{token.text} is no name of the rule language", hint)
        argument = self._argument(token, word)
        return Typed(
            number=Figure(name=token.text, argument=argument), kind=word.kind, column=token.column
        )

    def _argument(self, name: Token, word: Word) -> float | None:
        if word.argument is None:
            if self._is_sign("("):
                raise self._error(
                    self._next, f"{name.text} takes no argument", f"write {name.text} alone"
                )
            return None
        example = f"{name.text}({'20' if word.argument is Argument.BARS else '0.99'})"
        self._expect("(", f"write it like {example}")
        token = self._advance()
        if token.kind is not TokenKind.NUMBER:
            raise self._error(
                token, f"{name.text} takes a number written out", f"write it like {example}"
            )
        self._expect(")", f"write it like {example}")
        fault = _argument_fault(word.argument, token.number)
        if fault:
            raise self._error(token, f"{name.text} takes {fault}", f"write it like {example}")
        return token.number

    # Kinds

    def _common(self, left: Typed, right: Typed, sign: Token) -> Kind | None:
        """The kind of both; a bare number takes that of the other."""
        if left.kind is None or right.kind is None:
            return right.kind if left.kind is None else left.kind
        if left.kind != right.kind:
            raise self._error(
                sign,
                f"{left.kind} on the left of {sign.text}, {right.kind} on the right",
                "multiply a fraction by equity to make money of it, or compare like with like",
            )
        return left.kind

    def _truth(self, found: Truth | Typed) -> Truth:
        if isinstance(found, Typed):
            message = "this is a number, and a condition is true or false"
            raise ConditionError(self._text, found.column, message, _COMPARE)
        return found

    def _number(self, found: Truth | Typed) -> Typed:
        if not isinstance(found, Typed):
            raise self._error(
                self._before,
                "true or false cannot be counted with",
                "join conditions with and, or, not",
            )
        return found

    # Tokens

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    @property
    def _before(self) -> Token:
        return self._tokens[max(self._at - 1, 0)]

    def _advance(self) -> Token:
        token = self._next
        if token.kind is not TokenKind.END:
            self._at += 1
        return token

    def _is_sign(self, *signs: str) -> bool:
        return self._next.kind is TokenKind.SIGN and self._next.text in signs

    def _expect(self, sign: str, hint: str) -> None:
        if not self._is_sign(sign):
            raise self._error(self._next, f"expected {sign!r}", hint)
        self._advance()

    def _deeper(self, part: Callable[[], T]) -> T:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(
                self._next, f"deeper than {MAX_DEPTH} brackets or signs", "make two rules of it"
            )
        found = part()
        self._depth -= 1
        return found

    def _error(self, token: Token, message: str, hint: str) -> ConditionError:
        return ConditionError(self._text, token.column, message, hint)


def _arithmetic(sign: Token, left: Typed, right: Typed, kind: Kind | None) -> Typed:
    node = Arithmetic(operator=Operator(sign.text), left=left.number, right=right.number)
    return Typed(number=node, kind=kind, column=left.column)


def _product_kind(sign: Token, left: Kind | None, right: Kind | None) -> Kind | None:
    if left is None and right is None:
        return None
    return (left or FRACTION).times(right or FRACTION, 1 if sign.text == "*" else -1)


def _argument_fault(argument: Argument, number: float) -> str | None:
    if argument is Argument.BARS:
        fits = number == int(number) and 2 <= number <= MAX_BARS
        return None if fits else f"a whole number of bars from 2 to {MAX_BARS}"
    return None if 0.5 < number < 1.0 else "a probability above 0.5 and below 1"
