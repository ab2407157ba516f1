"""Settings as rows of plain values, each with where it comes from and what it may be."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from algotrader.ops.config import DEFAULT, Configuration, field_of
from algotrader.risk.kinds import Duration, written


def setting_rows(configuration: Configuration) -> list[dict[str, Any]]:
    """Every setting in force, with its type and its sentence."""
    rows = []
    for key in configuration.named_keys():
        kind, description = field_of(key)
        row = setting_row(configuration, key)
        rows.append(row | {"type": type_name(kind), "description": description})
    return rows


def setting_row(configuration: Configuration, key: str) -> dict[str, Any]:
    value = configuration.value(key)
    if isinstance(value, tuple):
        value = [
            item.model_dump(mode="json") if isinstance(item, BaseModel) else item for item in value
        ]
    elif isinstance(value, dict):
        value = dict(value)
    elif isinstance(value, int) and is_duration(field_of(key)[0]):
        value = written(value)
    elif not isinstance(value, bool | int | float | None):
        value = str(value)
    return {"key": key, "value": value, "origin": configuration.origins.get(key, DEFAULT)}


def is_duration(kind: Any) -> bool:
    """Whether it is a length of time, or none."""
    return kind == Duration or Duration in get_args(kind)


def type_name(kind: Any) -> str:
    """`worst | best` for choices, else the type's own name."""
    if kind == Duration:
        return "length of time: 10s, 5m, 4h"
    if kind is type(None):
        return "not set"
    if kind is bool:
        return "true | false"
    if get_origin(kind) is Literal:
        return " | ".join(map(str, get_args(kind)))
    parts = [part for part in get_args(kind) if isinstance(part, type) or get_args(part)]
    if get_origin(kind) is Annotated:
        return type_name(get_args(kind)[0])
    if parts and get_origin(kind) is not tuple:
        return " | ".join(type_name(part) for part in parts)
    return {
        "Path": "path",
        "float": "number",
        "Decimal": "number",
        "int": "whole number",
        "str": "text",
        "time": "time of day",
    }.get(
        getattr(kind, "__name__", str(kind)), "list" if get_origin(kind) is tuple else kind.__name__
    )
