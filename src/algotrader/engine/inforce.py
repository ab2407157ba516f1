"""With which settings and code a desk trades, as its journal says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from algotrader.core.events import RunStarted, SettingsReloaded, StrategyReloaded
from algotrader.core.ids import StrategyId


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What the newest start and what was reloaded since come to; empty before the first start."""

    execution: str = ""  # `paper`, `sandbox`, `live`
    configuration_hash: str = ""
    software: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[StrategyId, str] = field(default_factory=dict)

    def after(self, event: RunStarted | SettingsReloaded | StrategyReloaded) -> InForce:
        match event:
            case RunStarted():
                return InForce(
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
                return replace(self, sources=sources)
