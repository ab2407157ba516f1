"""YAML with the line of every key, so that a wrong setting can be pointed at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from algotrader.core.errors import ConfigurationError

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain values, and the line (from 1) of each key and list item."""

    values: dict[str, Any]
    lines: dict[Key, int]


def read_yaml(text: str, name: str) -> Document:
    """Parse a mapping; ConfigurationError names the line of a syntax error or a doubled key."""
    try:
        return _read(text, name)
    except RecursionError as error:
        raise _error(name, 1, "is nested too deep, or a part of it holds itself") from error


def _read(text: str, name: str) -> Document:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _error(name, line, f"is not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise _error(name, 1, f"is not YAML: {str(error).splitlines()[0]}") from error
    if root is None:
        return Document(values={}, lines={})
    if not isinstance(root, yaml.MappingNode):
        raise _error(name, 1, "must hold sections such as `backtest:`")
    lines: dict[Key, int] = {}
    _walk(root, (), lines, name)
    try:
        values = yaml.SafeLoader("").construct_document(root)
    except (yaml.YAMLError, ValueError) as error:  # an impossible date is a ValueError
        reason = str(error).splitlines()[0]
        raise _error(name, 1, f"holds a value that cannot be read: {reason}") from error
    return Document(values=values, lines=lines)


def _walk(node: yaml.Node, at: Key, lines: dict[Key, int], name: str) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = (*at, str(key_node.value))
            line = key_node.start_mark.line + 1
            if key in lines:
                dotted = ".".join(map(str, key))
                raise _error(name, line, f"{dotted} stands already in line {lines[key]}")
            lines[key] = line
            _walk(value_node, key, lines, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*at, index)] = item.start_mark.line + 1
            _walk(item, (*at, index), lines, name)


def _error(name: str, line: int, what: str) -> ConfigurationError:
    return ConfigurationError("config.syntax", f"{name}:{line}: {what}")
