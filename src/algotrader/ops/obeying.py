"""Do what a person asks of a running trader that takes more than the engine: read files again."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from algotrader.backtest.instances import strategy_instance
from algotrader.core.errors import AlgotraderError, StrategyError
from algotrader.core.events import (
    Event,
    HandAction,
    HandAnswered,
    LimitChangeRefused,
    ParametersSet,
    SettingsRefused,
    SettingsReloaded,
    StrategyReloaded,
    StrategyReloadRefused,
)
from algotrader.core.ids import StrategyId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import DenialReason
from algotrader.core.ports import Clock, SystemClock
from algotrader.engine.state import EngineState
from algotrader.live.halting import Halts
from algotrader.live.operator import Inbox
from algotrader.live.requests import (
    Hand,
    HandAmend,
    HandCancel,
    HandOrder,
    LimitRequest,
    LoadRequest,
    ReloadRequest,
    Request,
    SetRequest,
    UnloadRequest,
    event_of,
)
from algotrader.live.trader import Trader
from algotrader.live.workers import WorkerDecider
from algotrader.ops.by_hand import (
    changed,
    changes_of,
    file_parameters,
    holding,
    with_parameters,
)
from algotrader.ops.desk import Desk, DeskStrategy
from algotrader.ops.observing.logs import change_levels
from algotrader.ops.reloading import Reload, in_force, judge, read_again
from algotrader.ops.settings_text import deciding
from algotrader.ops.strategy_files import made, told_as_its_own
from algotrader.risk.limit_changes import value_of
from algotrader.strategy.loader import LoadedStrategy, load

log = logging.getLogger(__name__)
_LOOK_S: Final = 0.25  # between looks into the inbox
_LOADED_WITHIN_S: Final = 10.0
_CHANGES: Final = (ReloadRequest, LoadRequest, SetRequest, UnloadRequest, LimitRequest)
_BY_SIGNAL: Final = ReloadRequest(reason="SIGHUP", channel="signal")


class Obedience:
    """Takes requests from the inbox of a desk, and gives what the engine is told of them."""

    def __init__(
        self,
        desk: Desk,
        inbox: Inbox,
        decider: WorkerDecider,
        state: EngineState,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._file = file_parameters(desk.configuration)
        self._desk = holding(desk, state)
        self._forgotten: frozenset[StrategyId] = state.inforce.unloaded
        self._inbox = inbox
        self.halts = Halts(inbox)  # for the trader that is to obey
        self._decider = decider
        self._state = state
        self._environment = environment
        self._was_signalled = False

    def listen(self) -> None:
        """Take SIGHUP as a wish to reload, as daemons do; signals come to the main thread alone."""
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._signalled)

    def _signalled(self) -> None:
        self._was_signalled = True

    async def obey(self, trader: Trader, clock: Clock) -> None:
        """For ever: hand a trader that is ready what is asked of it."""
        self.listen()
        await trader.ready()
        while True:
            events = await self.take(utc_ms(clock.now()))
            for event in events:
                trader.tell(event)
            if await trader.handled():
                self.obeyed()
            if not events:
                await asyncio.sleep(_LOOK_S)

    def obeyed(self) -> None:
        """What was taken is in the journal."""
        self._inbox.done()

    async def take(self, now_ms: int) -> list[Event]:
        """The events of the requests that are there, the oldest first; to be called until none comes.

        Once the engine has heard those of one call it may be called again: what changes how others
        are judged is the last of its call, for these are judged by what it makes (F72).
        """
        await self._forget_unloaded()
        events: list[Event] = []
        if self._was_signalled:
            self._was_signalled = False
            return await self._reload(_BY_SIGNAL, now_ms)
        for asked in self._inbox.requests():
            match asked:
                case ReloadRequest():
                    events += await self._reload(asked, now_ms)
                case LoadRequest():
                    events.append(await self._load(asked, now_ms))
                case SetRequest():
                    events.append(await self._set(asked, now_ms))
                case LimitRequest():
                    events.append(self._limit(asked, now_ms))
                case HandOrder() | HandAmend() | HandCancel():
                    events.append(self._hand(asked, now_ms))
                case UnloadRequest() if not self._has(asked.strategy):
                    events.append(self._refused(asked, _unknown(asked.strategy), now_ms))
                case Request() if asked.account not in self._state.modes:
                    # The settings may name what was added since the start; the engine cannot.
                    log.warning("account %s is not traded here: nothing to change", asked.account)
                case _:
                    event = event_of(asked, now_ms)
                    self.halts.told(event)  # what comes after it in the folder may take long
                    events.append(event)
            if isinstance(asked, _CHANGES):
                break
        return events

    def _limit(self, asked: LimitRequest, now_ms: int) -> Event:
        """Not executed when its time is over, or when it was confirmed for another value (F72)."""
        event = event_of(asked, now_ms)
        if asked.until_ms is None:
            return event
        is_late = utc_ms(SystemClock().now()) > asked.until_ms
        held = value_of(self._state.risk.state.limits, asked.key)
        is_other = (None if held is None else str(held)) != asked.before
        if not (is_late or is_other):
            return event
        why = "its time is over" if is_late else f"it holds at {held} and not at {asked.before}"
        return LimitChangeRefused(
            ts_event=now_ms, ts_known=now_ms, key=asked.key, value=asked.value, by=asked.by,
            reason=f"{why}: ask again",
        )  # fmt: skip

    def _hand(self, asked: Hand, now_ms: int) -> Event:
        was_done = asked.request in self._state.by_hand.answers
        is_late = asked.until_ms is not None and utc_ms(SystemClock().now()) > asked.until_ms
        return _too_late(asked, now_ms) if is_late and not was_done else event_of(asked, now_ms)

    async def _forget_unloaded(self) -> None:
        """What the engine has put away leaves the worker."""
        unloaded = self._state.inforce.unloaded
        for name in sorted(unloaded - self._forgotten):
            await self._decider.forget(name)
        self._forgotten = unloaded

    async def _reload(self, asked: ReloadRequest, now_ms: int) -> list[Event]:
        running = self._desk.configuration
        try:
            read = read_again(running, self._environment)
            wanted = holding(replace(self._desk, configuration=read), self._state).configuration
            reload = judge(running, wanted, kept_bars=self._state.risk.state.kept_bars)
            in_force(reload, running)  # what does not fit together changes nothing
            loaded: list[StrategyReloaded] = []
            for name in sorted(reload.parameters()):
                parameters = wanted.settings.strategies[name].parameters
                try:
                    loaded.append(await self._replaced(name, parameters, asked, now_ms))
                except AlgotraderError as error:
                    reload = reload.refusing(f"strategies.{name}.parameters.", error.message)
            holds = in_force(reload, running)
        except (AlgotraderError, ValueError) as error:
            text = error.message if isinstance(error, AlgotraderError) else str(error)
            return [
                SettingsRefused(
                    ts_event=now_ms, ts_known=now_ms, by=asked.by, channel=asked.channel,
                    reason=asked.reason, text=text,
                )
            ]  # fmt: skip
        self._desk = replace(self._desk, configuration=holds)
        self._file |= {
            name: each for name, each in file_parameters(read).items()
            if holds.settings.strategies.get(name) == wanted.settings.strategies[name]
        }  # fmt: skip
        if reload.changes_of("logging"):
            change_levels(holds.settings.logging)
        return [self._told(reload, asked, now_ms), *loaded]

    def _told(self, reload: Reload, asked: ReloadRequest, now_ms: int) -> SettingsReloaded:
        return SettingsReloaded(
            ts_event=now_ms, ts_known=now_ms, by=asked.by, channel=asked.channel, reason=asked.reason,
            configuration_hash=self._desk.configuration_hash,
            settings=deciding(
                self._desk.configuration.settings, self._desk.risk()
            ),
            changes=reload.changes,
        )  # fmt: skip

    async def _load(self, asked: LoadRequest, now_ms: int) -> Event:
        try:
            one = self._strategy(asked.strategy)
            parameters = self._desk.configuration.settings.strategies[one.name].parameters
            return await self._replaced(one.name, parameters, asked, now_ms)
        except AlgotraderError as error:
            return self._refused(asked, error, now_ms)

    async def _set(self, asked: SetRequest, now_ms: int) -> Event:
        """Let a strategy decide with other parameters and the code that it decides with now."""
        name, in_force = asked.strategy, self._state.inforce
        try:
            one = self._strategy(name)
            loaded = await _read(one.use)
            if name in in_force.unloaded or loaded.source_hash != in_force.sources.get(name):
                raise StrategyError(
                    "strategy.not_as_loaded",
                    f"its file is not what decides now: algotrader strategy load {name} first",
                )
            with told_as_its_own(name):
                by_hand = changed(in_force.by_hand.get(name, {}), asked.values, loaded.kind)
            parameters = {**self._file[name], **by_hand}
            self._require_same_orders(one, loaded, parameters)
            await self._decider.replace(name, parameters)
        except AlgotraderError as error:
            return self._refused(asked, error, now_ms)
        before = self._desk.configuration.settings.strategies[name].parameters
        self._desk = with_parameters(self._desk, {name: parameters})
        return ParametersSet(
            ts_event=now_ms, ts_known=now_ms, by=asked.by, channel=asked.channel,
            reason=asked.reason, account=one.account, strategy=name, by_hand=by_hand,
            parameters=parameters, changes=changes_of(name, before, parameters),
            configuration_hash=self._desk.configuration_hash,
        )  # fmt: skip

    def _strategy(self, name: str) -> DeskStrategy:
        """StrategyError if none of that name runs."""
        for one in self._desk.strategies:
            if one.name == name and name in self._desk.configuration.settings.strategies:
                return one
        raise _unknown(name)

    def _has(self, name: str) -> bool:
        return any(one.name == name for one in self._desk.strategies)

    def _refused(
        self, asked: LoadRequest | SetRequest | UnloadRequest, error: AlgotraderError, now_ms: int
    ) -> StrategyReloadRefused:
        known = {one.name: one.account for one in self._desk.strategies}
        return StrategyReloadRefused(
            ts_event=now_ms, ts_known=now_ms, by=asked.by, channel=asked.channel,
            reason=asked.reason, account=known.get(asked.strategy, self._desk.accounts[0].name),
            strategy=asked.strategy, text=error.message,
        )  # fmt: skip

    async def _replaced(
        self,
        name: str,
        parameters: Mapping[str, Any],
        asked: ReloadRequest | LoadRequest,
        now_ms: int,
    ) -> StrategyReloaded:
        """Let a strategy decide with its file as it is now. StrategyError: the old one goes on."""
        one = next(one for one in self._desk.strategies if one.name == name)
        loaded = await _read(one.use)
        self._require_same_orders(one, loaded, parameters)
        if modules := self._decider.changed_modules():
            raise StrategyError(
                "strategy.module_changed",
                f"needs a restart: {modules[0]}, which strategies import, is another by now",
            )
        await self._decider.replace(StrategyId(name), dict(parameters), loaded.source)
        return StrategyReloaded(
            ts_event=now_ms, ts_known=now_ms, by=asked.by, channel=asked.channel, reason=asked.reason,
            account=one.account, strategy=one.name, parameters=dict(parameters),
            source_hash=loaded.source_hash,
        )  # fmt: skip

    def _require_same_orders(
        self, one: DeskStrategy, loaded: LoadedStrategy, parameters: Mapping[str, Any]
    ) -> None:
        """How decisions become orders and stops is set up with the books, and stays."""
        costs = next(each.costs for each in self._desk.accounts if each.name == one.account)
        share = one.settings.share
        with told_as_its_own(one.name):
            running, wanted = (
                strategy_instance(each, one.name, one.account, one.bars, costs, cash_share=share)
                for each in (one.strategy, made(loaded.kind, parameters))
            )
        if running != wanted:
            raise StrategyError(
                "strategy.needs_restart",
                "needs a restart: its stops, its rebalancing or the way it decides are others",
            )


def _unknown(name: str) -> StrategyError:
    return StrategyError("strategy.unknown", f"no strategy {name} runs: a new one needs a restart")


async def _read(use: str) -> LoadedStrategy:
    """A strategy as its file is now, beside the loop: loading it runs a person's code, and orders
    wait for nobody's. StrategyError if that does not end.
    """
    try:
        return await asyncio.wait_for(asyncio.to_thread(load, use), _LOADED_WITHIN_S)
    except TimeoutError as error:
        raise StrategyError(
            "strategy.slow_to_load",
            f"{use} has not loaded within {_LOADED_WITHIN_S:.0f} s",
            hint="a file only defines its strategy: it neither waits nor computes while it loads",
        ) from error


def _too_late(asked: Hand, now_ms: int) -> Event:
    """An order that waited too long for the trader was wanted at another price: ask again."""
    is_new = isinstance(asked, HandOrder)
    action = HandAction.AMEND if isinstance(asked, HandAmend) else HandAction.CANCEL
    return HandAnswered(
        ts_event=now_ms, ts_known=now_ms, request=asked.request, account=asked.account,
        action=HandAction.PLACE if is_new else action,
        order=None if isinstance(asked, HandOrder) else asked.order,
        reasons=(DenialReason(rule="late", message="its time is over: ask again"),),
    )  # fmt: skip
