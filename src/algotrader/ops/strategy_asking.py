"""What a person asks of one strategy: stop, start, load, unload, other parameters.

The command line and the API both ask here. Each waits a while for the trader's answer: None where
nobody answered, and then it is done when the trader starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from algotrader.core.errors import StrategyError, UsageError
from algotrader.core.events import (
    Event,
    ParametersSet,
    RearmRefused,
    RiskCleared,
    RiskTripped,
    StrategyReloaded,
    StrategyReloadRefused,
    StrategyUnloaded,
    TradingMode,
)
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.spelling import hint_among
from algotrader.live.requests import (
    CHANNEL,
    OPERATOR,
    Asked,
    LoadRequest,
    Request,
    SetRequest,
    UnloadRequest,
)
from algotrader.ops.asking import WAIT_S, answered, is_running
from algotrader.ops.config import Configuration
from algotrader.ops.standing import folder_of, read_state

Told = TypeVar("Told", StrategyReloaded, ParametersSet, StrategyUnloaded)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyDesk:
    """One strategy of the settings, and who asks something of it, through which door."""

    configuration: Configuration
    name: str
    by: str = OPERATOR
    channel: str = CHANNEL
    wait_s: float = WAIT_S
    strategy: StrategyId = field(init=False)
    account: AccountId = field(init=False)

    def __post_init__(self) -> None:
        """UsageError if the settings have no strategy of that name."""
        known = self.configuration.settings.strategies
        if self.name not in known:
            raise UsageError(
                "usage.strategy",
                f"no strategy is called {self.name!r} in the settings",
                hint=hint_among(self.name, known, f"strategies are: {', '.join(known) or 'none'}"),
            )
        object.__setattr__(self, "strategy", StrategyId(self.name))
        object.__setattr__(self, "account", AccountId(known[self.name].account))

    def mode(self, mode: TradingMode, reason: str, *, flatten: bool = False) -> bool:
        """Stop it, or let it go on; whether that is in force. UsageError if it was not stopped."""
        asked = Request(
            account=self.account, mode=mode, reason=reason, flatten=flatten,
            strategy=self.strategy, by=self.by, channel=self.channel,
        )  # fmt: skip
        told = answered(self.configuration, asked, self._is_mode, wait_s=self.wait_s)
        for event in told or ():
            if isinstance(event, RearmRefused):
                raise UsageError("strategy.not_stopped", event.reason)
        return told is not None

    def load(self, reason: str) -> StrategyReloaded | None:
        """Let its file be read again; also brings an unloaded one back. StrategyError if refused.

        A trader that does not run reads the file at its start: nothing has to be left for it.
        """
        if not self.waits_for_load():
            return None
        asked = LoadRequest(strategy=self.strategy, reason=reason, by=self.by, channel=self.channel)
        return self._asked(asked, StrategyReloaded)

    def set(self, typed: Mapping[str, str | None], reason: str) -> ParametersSet | None:
        """Other parameters, as typed; None: as the file has it. StrategyError if they cannot be."""
        from algotrader.ops.by_hand import changed
        from algotrader.ops.desk import strategy_file
        from algotrader.strategy.loader import load

        loaded = load(strategy_file(self.configuration, self.name))
        settings = self.configuration.settings.strategies[self.name]
        changed(settings.parameters, typed, loaded.kind)
        asked = SetRequest(
            strategy=self.strategy, values=dict(typed), reason=reason, by=self.by,
            channel=self.channel,
        )  # fmt: skip
        return self._asked(asked, ParametersSet)

    def unload(self, reason: str) -> StrategyUnloaded | None:
        """Put it away. StrategyError if it holds something."""
        asked = UnloadRequest(
            account=self.account, strategy=self.strategy, reason=reason, by=self.by,
            channel=self.channel,
        )  # fmt: skip
        return self._asked(asked, StrategyUnloaded)

    def waits_for_load(self) -> bool:
        """Whether a load has to be left for a trader: one that runs, or the next, if unloaded."""
        return self.is_running() or self.strategy in self._unloaded()

    def is_running(self) -> bool:
        """Whether a trader runs that can answer."""
        return is_running(self.configuration)

    def _is_mode(self, event: Event) -> bool:
        if isinstance(event, RearmRefused):
            return True
        return isinstance(event, RiskTripped | RiskCleared) and event.strategy == self.strategy

    def _asked(self, asked: Asked, kind: type[Told]) -> Told | None:
        def is_answer(event: Event) -> bool:
            return isinstance(event, kind | StrategyReloadRefused) and (
                event.strategy == self.strategy
            )

        told = answered(self.configuration, asked, is_answer, wait_s=self.wait_s)
        for event in told or ():
            if isinstance(event, StrategyReloadRefused) and event.strategy == self.strategy:
                raise StrategyError(
                    "strategy.refused", f"{self.name} goes on as it was: {event.text}"
                )
            if isinstance(event, kind) and event.strategy == self.strategy:
                return event
        return None

    def _unloaded(self) -> frozenset[StrategyId]:
        has_journal = folder_of(self.configuration).chain.exists()
        return read_state(self.configuration).inforce.unloaded if has_journal else frozenset()
