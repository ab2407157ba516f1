"""With which settings and code a desk trades, as its journal says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from algotrader.core.events import (
    ParametersSet,
    RunStarted,
    SettingsReloaded,
    StrategyReloaded,
    StrategyUnloaded,
)
from algotrader.core.ids import StrategyId

Changed = RunStarted | SettingsReloaded | StrategyReloaded | ParametersSet | StrategyUnloaded


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What the newest start and what was changed since come to; empty before the first start."""

    execution: str = ""  # `paper`, `sandbox`, `live`
    configuration_hash: str = ""
    software: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[StrategyId, str] = field(default_factory=dict)
    by_hand: Mapping[StrategyId, Mapping[str, Any]] = field(default_factory=dict)
    """Parameters that a person set: they hold in place of the file's, also over restarts."""
    unloaded: frozenset[StrategyId] = frozenset()  # put away by a person until loaded again

    def after(self, event: Changed) -> InForce:
        match event:
            case RunStarted():
                return replace(
                    self,
                    execution=event.execution,
                    configuration_hash=event.configuration_hash,
                    software=event.software,
                    settings=event.settings,
                    sources=event.sources,
                )
            case SettingsReloaded():
                return replace(
                    self, configuration_hash=event.configuration_hash, settings=event.settings
                )
            case StrategyReloaded():
                sources = {**self.sources, event.strategy: event.source_hash}
                return replace(self, sources=sources, unloaded=self.unloaded - {event.strategy})
            case ParametersSet():
                return replace(
                    self,
                    configuration_hash=event.configuration_hash,
                    settings=_with_parameters(self.settings, event.strategy, event.parameters),
                    by_hand={**self.by_hand, event.strategy: event.by_hand},
                )
            case StrategyUnloaded():
                return replace(self, unloaded=self.unloaded | {event.strategy})


def _with_parameters(
    settings: Mapping[str, Any], strategy: StrategyId, parameters: Mapping[str, Any]
) -> Mapping[str, Any]:
    strategies = settings.get("strategies", {})
    one = {**strategies.get(strategy, {}), "parameters": parameters}
    return {**settings, "strategies": {**strategies, strategy: one}}
