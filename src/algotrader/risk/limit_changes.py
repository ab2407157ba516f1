"""Changing one limit while the system runs: what may be changed, and what it would then be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from algotrader.core.errors import ConfigurationError
from algotrader.core.spelling import hint_among
from algotrader.risk.kinds import Section
from algotrader.risk.settings import (
    AccountLimits,
    ExecutionLimits,
    InstrumentLimits,
    OrderLimits,
    RiskSettings,
    StrategyLimits,
    TotalLimits,
)

_SECTIONS: Final[dict[str, type[Section]]] = {
    "account": AccountLimits,
    "strategy": StrategyLimits,
    "total": TotalLimits,
    "instrument": InstrumentLimits,
    "order": OrderLimits,
    "execution": ExecutionLimits,
}
_NAMED: Final[dict[str, type[Section]]] = {
    "accounts": AccountLimits,
    "strategies": StrategyLimits,
    "instruments": InstrumentLimits,
}
ABSENT: Final = "none"
"""Written in place of a value: the limit is lifted."""


def changeable() -> Iterator[str]:
    """Every key that can be changed while running; NAME stands for an account's or symbol's."""
    for name, model in _SECTIONS.items():
        yield from (f"{name}.{key}" for key in model.model_fields)
    for name, model in _NAMED.items():
        yield from (f"{name}.NAME.{key}" for key in model.model_fields)


def with_limit(settings: RiskSettings, key: str, value: str) -> RiskSettings:
    """The settings with one limit changed; ConfigurationError says why it cannot be."""
    group, name, field = _parts(key)
    model = _NAMED[group] if name else _SECTIONS[group]
    parsed = _parsed(model, key, field, value)
    if name is None:
        section = getattr(settings, group).model_copy(update={field: parsed})
        return settings.model_copy(update={group: section})
    named = getattr(settings, group)
    section = named.get(name, model()).model_copy(update={field: parsed})
    return settings.model_copy(update={group: {**named, name: section}})


def require_consistent(settings: RiskSettings) -> None:
    """ConfigurationError if two limits cannot both be meant."""
    for fault in settings.contradictions():
        raise ConfigurationError("risk.contradiction", fault, hint="change the other limit first")


def value_of(settings: RiskSettings, key: str) -> Any:
    """What a limit is; None where it is absent."""
    group, name, field = _parts(key)
    held = getattr(settings, group)
    if name is None:
        return getattr(held, field)
    own = held.get(name)
    return None if own is None else getattr(own, field)


def _parts(key: str) -> tuple[str, str | None, str]:
    """Section, the name inside it if it has names, and field. A symbol may have dots of its own."""
    group, _, rest = key.partition(".")
    if group in _SECTIONS and rest in _SECTIONS[group].model_fields:
        return group, None, rest
    name, _, field = rest.rpartition(".")
    if group in _NAMED and name and field in _NAMED[group].model_fields:
        return group, name, field
    raise ConfigurationError(
        "risk.unknown_limit",
        f"{key} is no limit that can be changed while running",
        hint=hint_among(key, changeable(), "algotrader config show lists every setting"),
    )


def _parsed(model: type[Section], key: str, field: str, value: str) -> Any:
    if value == ABSENT and model.model_fields[field].default is None:
        return None
    try:
        return getattr(model.model_validate({field: value}), field)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(
            "risk.wrong_limit",
            f"{key}: {message[:1].lower()}{message[1:]} (it is {value!r})",
            hint=f"algotrader config explain risk.{key}",
        ) from error
