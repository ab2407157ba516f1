"""The sentences that the sources say to a person: of denials, of risk, of errors and their hints.

They are journaled and answered in English; the console says them in the language of its reader,
from `web/src/i18n/told/`. A sentence is collected as a template, `it costs {} with its fee, {} is
free`, with `{}` where the source puts a value. What is no text of the source (`message=error.message`)
is no template: it is collected where it is written.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).resolve().parents[1] / "src" / "algotrader"
_SAYING: Final = ("message", "text", "reason")
_MESSAGE_OF: Final = {"ApiError": 2}  # of all other errors it comes second
_REASON_OF: Final = {"Reason": 1, "_difference": 5, "_by_limits": 1, "Change": 1, "Moved": 2}
_HOLE: Final = "{}"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Sentence:
    """A template, and the place in the sources that says it."""

    module: str  # risk/gate.py
    line: int
    template: str


def decisions() -> Iterator[Sentence]:
    """What the gate, the rules of risk and the engine write into events."""
    packages = ("risk", "engine")
    takers = dict(_takers(packages))
    for path, tree in _modules(*packages):
        inside = _Module(tree)
        for call, scope in _calls(tree):
            for keyword in _SAYING:
                place = takers.get((_name(call), keyword))
                yield from inside.said(path, call, _argument(call, keyword, place), scope)
        for function in inside.functions.values():
            if function.name == "sentence":
                for value in _returned(function):
                    yield from inside.said(path, function, value, function)


def errors(*packages: str) -> Iterator[Sentence]:
    """What errors that a person can cause say, and their hints."""
    for path, tree in _modules(*packages):
        inside = _Module(tree)
        for call, scope in _calls(tree):
            name = _name(call)
            if name == "not_found":
                yield from inside.said(path, call, _argument(call, "known", 2), scope)
            if name.endswith("Error") and name != "ValueError":
                message = _argument(call, "message", _MESSAGE_OF.get(name, 1))
                yield from inside.said(path, call, message, scope)
                yield from inside.said(path, call, _argument(call, "hint", None), scope)


def refused_values(*modules: str) -> Iterator[Sentence]:
    """What ValueErrors say: where orders are judged they become the reason of a denial."""
    for path, tree in _modules(*modules):
        inside = _Module(tree)
        for call, scope in _calls(tree):
            if _name(call) == "ValueError" and call.args:
                yield from inside.said(path, call, call.args[0], scope)


def subjects() -> Iterator[Sentence]:
    """Of what a limit is: `orders of account {} today`. They stand inside sentences."""
    for path, tree in _modules("risk"):
        inside = _Module(tree)
        for call, scope in _calls(tree):
            yield from inside.said(path, call, _argument(call, "subject", None), scope)


def reasons() -> Iterator[Sentence]:
    """Why a decision differs from its backtest, part by part: they are joined by semicolons."""
    for path, tree in _modules("parity", "ops/parity.py"):
        inside = _Module(tree)
        for call, scope in _calls(tree):
            place = _REASON_OF.get(_name(call))
            if place is not None:
                yield from inside.said(path, call, _argument(call, "text", place), scope)
        for function in inside.functions.values():
            if function.name.endswith("_text"):
                for value in _returned(function):
                    yield from inside.said(path, function, value, function)


class _Module:
    """The texts that expressions of one module can be."""

    def __init__(self, tree: ast.Module) -> None:
        self.functions = {
            node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }
        self._asked: list[ast.expr] = []

    def said(
        self, path: Path, at: ast.expr | ast.stmt, node: ast.expr | None, scope: ast.AST
    ) -> Iterator[Sentence]:
        for template in self.texts(node, scope) if node is not None else ():
            if any(letter.isalpha() for letter in template):
                module = path.relative_to(SOURCE).as_posix()
                yield Sentence(module=module, line=at.lineno, template=template)

    def texts(self, node: ast.expr, scope: ast.AST) -> list[str]:
        """Every text an expression can be, `{}` for what is put in; none where it is no text."""
        if node in self._asked:
            return []  # a name or a function that leads back to itself
        self._asked.append(node)
        try:
            return self._texts(node, scope)
        finally:
            self._asked.pop()

    def _texts(self, node: ast.expr, scope: ast.AST) -> list[str]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return ["".join(some) for some in product(*(self._part(p, scope) for p in parts))]
            case ast.IfExp(body=yes, orelse=no):
                return self.texts(yes, scope) + self.texts(no, scope)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                ends = self.texts(right, scope)
                return [begin + end for begin in self.texts(left, scope) for end in ends]
            case ast.Name(id=name):
                return [text for given in _given(name, scope) for text in self.texts(given, scope)]
            case ast.Call(func=ast.Name(id=name)) if name in self.functions:
                function = self.functions[name]
                return [text for one in _returned(function) for text in self.texts(one, function)]
        return []

    def _part(self, node: ast.expr, scope: ast.AST) -> list[str]:
        """A part of a sentence; a value that is one of several words is a hole for a phrase."""
        if isinstance(node, ast.FormattedValue):
            texts = self.texts(node.value, scope) if node.format_spec is None else []
            whole = len(texts) == 1 or isinstance(node.value, ast.Name)
            return texts if texts and whole else [_HOLE]
        return self.texts(node, scope)


def _takers(packages: tuple[str, ...]) -> Iterator[tuple[tuple[str, str], int]]:
    """Functions that are given a sentence: which of their arguments it is."""
    for _, tree in _modules(*packages):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                names = [one.arg for one in node.args.args if one.arg not in ("self", "cls")]
                for keyword in _SAYING:
                    if keyword in names:
                        yield (node.name, keyword), names.index(keyword)


def _given(name: str, scope: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield node.value


def _returned(function: ast.FunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value


def _modules(*packages: str) -> Iterator[tuple[Path, ast.Module]]:
    for package in packages:
        place = SOURCE / package
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            yield path, _parsed(path)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _calls(node: ast.AST, scope: ast.AST | None = None) -> Iterator[tuple[ast.Call, ast.AST]]:
    """Every call, with the innermost function it stands in."""
    scope = scope or node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, scope
        yield from _calls(child, child if isinstance(child, ast.FunctionDef) else scope)


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _argument(call: ast.Call, keyword: str, place: int | None) -> ast.expr | None:
    for one in call.keywords:
        if one.arg == keyword:
            return one.value
    return call.args[place] if place is not None and place < len(call.args) else None
