"""Parameters that a person set while a strategy traded: they hold until set to `file`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from algotrader.core.errors import StrategyError
from algotrader.core.events import ParametersSet, SettingChange
from algotrader.core.ids import StrategyId
from algotrader.engine.state import EngineState
from algotrader.ops.config import Configuration
from algotrader.ops.desk import Desk, DeskStrategy
from algotrader.ops.settings_text import differences
from algotrader.strategy.base import Strategy

Parameters = Mapping[str, Any]


def holding(desk: Desk, state: EngineState) -> Desk:
    """The desk with the parameters that hold: a person's in place of the file's."""
    strategies = desk.configuration.settings.strategies
    return with_parameters(
        desk,
        {
            name: {**strategies[name].parameters, **values}
            for name, values in state.inforce.by_hand.items()
            if values and name in strategies
        },
    )


def with_parameters(desk: Desk, parameters: Mapping[StrategyId, Parameters]) -> Desk:
    """The desk with other parameters of some strategies in its settings."""
    configuration = desk.configuration
    strategies = dict(configuration.settings.strategies)
    for name, values in parameters.items():
        strategies[name] = strategies[name].model_copy(update={"parameters": dict(values)})
    settings = configuration.settings.model_copy(update={"strategies": strategies})
    return replace(desk, configuration=replace(configuration, settings=settings))


def file_parameters(configuration: Configuration) -> dict[str, Parameters]:
    """By strategy, as the file has them."""
    return {name: one.parameters for name, one in configuration.settings.strategies.items()}


def changed(
    before: Parameters, typed: Mapping[str, str | None], kind: type[Strategy]
) -> dict[str, Any]:
    """What a person has set after `typed`; None: as the file has it. StrategyError: it cannot be."""
    values = {name: value for name, value in before.items() if name not in typed}
    for name, text in typed.items():
        if text is not None:
            values[name] = _parsed(kind, name, text)
    kind(**{name: value for name, value in values.items() if name in typed})
    return values


def _parsed(kind: type[Strategy], name: str, text: str) -> Any:
    declared = kind.parameters.get(name)
    try:
        return text if declared is None else declared.parse(text)
    except ValueError:
        return text  # its class says what is wrong


def no_longer_fitting(desk: Desk, state: EngineState, now_ms: int) -> Iterator[ParametersSet]:
    """What was set by hand and the strategy's code of today has no place for: it ends here."""
    for one in desk.strategies:
        values = state.inforce.by_hand.get(one.name, {})
        fitting = _fitting(one, values)
        if fitting != values:
            gone = ", ".join(sorted(set(values) - set(fitting)))
            parameters = {**one.settings.parameters, **fitting}
            yield ParametersSet(
                ts_event=now_ms, ts_known=now_ms, by="recovery", channel="start",
                reason=f"its code takes no such {gone} any more: as the file has it",
                account=one.account, strategy=one.name, by_hand=fitting, parameters=parameters,
                changes=changes_of(one.name, {**one.settings.parameters, **values}, parameters),
                configuration_hash=desk.configuration_hash,
            )  # fmt: skip


def _fitting(one: DeskStrategy, values: Parameters) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in values.items():
        try:
            type(one.strategy)(**{**one.settings.parameters, **kept, name: value})
        except StrategyError:
            continue
        kept[name] = value
    return kept


def changes_of(name: str, before: Parameters, after: Parameters) -> tuple[SettingChange, ...]:
    """What differs between two sets of parameters of a strategy, by key."""
    prefix = f"strategies.{name}.parameters"
    return tuple(differences({prefix: before}, {prefix: after}))
