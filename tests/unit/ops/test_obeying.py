"""What is asked of a running trader at one time: each is judged by what those before it make."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.traded_desk import ACCOUNT, NAME, TARGETS, HereDecider, a_desk, a_market

from algotrader.core.events import (
    Event,
    HaltRequested,
    LimitChanged,
    LimitChangeRefused,
    LimitChangeRequested,
    ParametersSet,
    RunStarted,
    StrategyReloaded,
    StrategyReloadRefused,
    TradingMode,
)
from algotrader.core.ids import AccountId, OrderId, RunId, StrategyId
from algotrader.core.instants import utc_at
from algotrader.core.orders import Side
from algotrader.core.ports import ManualClock
from algotrader.core.symbols import Symbol
from algotrader.engine.engine import Engine
from algotrader.live.operator import Inbox
from algotrader.live.requests import (
    Asked,
    HandAmend,
    HandCancel,
    HandOrder,
    LimitRequest,
    LoadRequest,
    Request,
    SetRequest,
    UnloadRequest,
)
from algotrader.ops.obeying import Obedience

KEY = "account.max_daily_loss"
NOW_MS = 1_700_000_000_000
RISK = "\nrisk: {account: {max_daily_loss: 3%}}\n"


@dataclass
class Obeying:
    """A desk, its engine and its inbox, without a trader's loop."""

    folder: Path
    decider: HereDecider = field(init=False)
    obedience: Obedience = field(init=False)
    engine: Engine = field(init=False)
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        desk = a_desk(self.folder, a_market(), tail=RISK)
        self.engine = Engine(desk.engine_settings(RunId("run")))
        sources = {one.name: one.source_hash for one in desk.strategies}
        self.engine.handle(
            RunStarted(
                ts_event=NOW_MS, ts_known=NOW_MS, run_id=RunId("run"), execution="paper",
                configuration_hash="", software="", settings={}, sources=sources, changes=(),
                accepted_by=None,
            )
        )  # fmt: skip
        strategies = desk.live_strategies({}, self.engine.state)
        self.decider = HereDecider(strategies, ManualClock(utc_at(NOW_MS)))
        self.inbox = Inbox(self.folder / "journal")
        self.obedience = Obedience(desk, self.inbox, self.decider, self.engine.state, {})

    def asked(self, *wishes: Asked) -> list[Event]:
        """What the engine is told of wishes that are left together, and what it says to it."""
        for wish in wishes:
            self.inbox.put(wish, NOW_MS)
        return asyncio.run(self._obeyed())

    async def _obeyed(self) -> list[Event]:
        await self.decider.load()
        told: list[Event] = []
        while events := await self.obedience.take(NOW_MS):
            for event in events:
                told += self.engine.handle(event).events
        return told


@pytest.fixture
def obeying(tmp_path: Path) -> Obeying:
    return Obeying(tmp_path)


def limit(value: str, before: str, *, confirmed: bool = False) -> LimitRequest:
    until_ms = 10**15 if confirmed else None
    return LimitRequest(key=KEY, value=value, reason="", before=before, until_ms=until_ms)


def kinds(told: list[Event]) -> list[type[Event]]:
    mine = (LimitChangeRequested, LimitChanged, LimitChangeRefused)
    return [type(one) for one in told if isinstance(one, mine)]


def test_f72_what_was_confirmed_against_another_value_is_refused_also_at_one_look(
    obeying: Obeying,
) -> None:
    told = obeying.asked(limit("1%", "0.03"), limit("5%", "0.03", confirmed=True))

    assert kinds(told) == [LimitChangeRequested, LimitChanged, LimitChangeRefused]
    assert obeying.engine.state.risk.state.limits.account.max_daily_loss == Decimal("0.01")


def test_f72_what_was_confirmed_against_the_value_that_the_first_makes_is_done(
    obeying: Obeying,
) -> None:
    told = obeying.asked(limit("1%", "0.03"), limit("5%", "0.01", confirmed=True))

    assert kinds(told) == [LimitChangeRequested, LimitChanged] * 2


def test_parameters_that_are_set_one_after_the_other_are_all_set(obeying: Obeying) -> None:
    told = obeying.asked(
        SetRequest(strategy=NAME, values={"weight": "0.5"}, reason=""),
        SetRequest(strategy=NAME, values={"bars": "7"}, reason=""),
    )

    assert [one.parameters for one in told if isinstance(one, ParametersSet)] == [
        {"weight": 0.5}, {"weight": 0.5, "bars": 7},
    ]  # fmt: skip


def test_f63_a_load_decides_with_the_code_whose_hash_is_told(obeying: Obeying) -> None:
    code = TARGETS.replace("0.2)", "0.1)")
    (obeying.folder / "swing.py").write_text(code)
    [told] = obeying.asked(LoadRequest(strategy=NAME, reason=""))

    assert isinstance(told, StrategyReloaded)
    assert obeying.engine.state.inforce.sources[NAME] == told.source_hash
    assert obeying.decider._strategies[NAME].source == code


def test_f63_a_load_says_that_what_strategies_import_is_not_read_again(
    obeying: Obeying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(obeying.decider, "changed_modules", lambda: ["/desk/sizes.py"])
    [told] = obeying.asked(LoadRequest(strategy=NAME, reason=""))

    assert isinstance(told, StrategyReloadRefused)
    assert told.text.startswith("needs a restart: /desk/sizes.py, which strategies import")


RAISING = """
from algotrader import Strategy


class Swing(Strategy):
    def __init__(self, **parameters):
        raise RuntimeError("no model here")

    def targets(self, bars, f):
        return bars.close
"""


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("# 均线\n".encode("gbk"), "is not UTF-8 text"),
        (RAISING.encode(), "RuntimeError: no model here"),
        (b"def (", "invalid syntax"),
        (b"import sys\nsys.exit(3)\n", "SystemExit: 3"),
        (b"", "holds no strategy"),
    ],
    ids=["gbk", "raising", "syntax", "exit", "empty"],
)
def test_f62_a_broken_file_is_refused_and_the_trader_goes_on(
    obeying: Obeying, code: bytes, says: str
) -> None:
    before = obeying.decider._strategies[NAME].source
    (obeying.folder / "swing.py").write_bytes(code)
    [told] = obeying.asked(LoadRequest(strategy=NAME, reason=""))
    [set_] = obeying.asked(SetRequest(strategy=NAME, values={"bars": "7"}, reason=""))

    assert isinstance(told, StrategyReloadRefused)
    assert says in told.text
    assert isinstance(set_, StrategyReloadRefused)
    assert obeying.decider._strategies[NAME].source == before


def test_a_file_that_does_not_end_loading_holds_up_nobody(
    obeying: Obeying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("algotrader.ops.obeying._LOADED_WITHIN_S", 0.05)
    (obeying.folder / "swing.py").write_text(f"import time\ntime.sleep(0.5)\n{TARGETS}")
    [told] = obeying.asked(LoadRequest(strategy=NAME, reason=""))

    assert isinstance(told, StrategyReloadRefused)
    assert "has not loaded within" in told.text


NEW, ADDED = AccountId("new"), StrategyId("added")
HAND: Any = {"request": "r", "account": NEW, "reason": ""}


@pytest.mark.parametrize(
    "asked",
    [
        Request(account=NEW, mode=TradingMode.HALTED, reason=""),
        Request(account=NEW, mode=TradingMode.HALTED, reason="", flatten=True),
        Request(account=NEW, mode=TradingMode.TRADING, reason=""),
        Request(account=ACCOUNT, mode=TradingMode.HALTED, reason="", strategy=ADDED),
        Request(account=ACCOUNT, mode=TradingMode.TRADING, reason="", strategy=ADDED),
        Request(account=NEW, mode=TradingMode.HALTED, reason="", strategy=NAME),
        UnloadRequest(account=ACCOUNT, strategy=ADDED, reason=""),
        UnloadRequest(account=NEW, strategy=NAME, reason=""),
        LoadRequest(strategy=ADDED, reason=""),
        SetRequest(strategy=ADDED, values={"fast": "1"}, reason=""),
        HandOrder(
            **HAND, instrument=Symbol.parse("OKX:AAA/USDT"), side=Side.BUY, quantity=Decimal(1)
        ),
        HandOrder(**HAND, instrument=Symbol.parse("OKX:NEW/USDT"), side=Side.BUY, value=Decimal(1)),
        HandCancel(**HAND, order=OrderId("x")),
        HandAmend(**HAND, order=OrderId("x"), limit=Decimal(1)),
    ],
    ids=lambda one: f"{type(one).__name__}-{getattr(one, 'mode', '')}",
)
def test_f71_what_is_asked_of_what_this_trader_has_not_ends_it_not(
    obeying: Obeying, asked: Asked
) -> None:
    """The settings name accounts and strategies that were added since it began."""
    obeying.asked(asked)
    obeying.inbox.done()
    told = obeying.asked(Request(account=ACCOUNT, mode=TradingMode.HALTED, reason="news"))

    assert [one.account for one in told if isinstance(one, HaltRequested)] == [ACCOUNT]


def test_to_put_away_what_does_not_run_is_refused(obeying: Obeying) -> None:
    [told] = obeying.asked(UnloadRequest(account=ACCOUNT, strategy=ADDED, reason=""))

    assert isinstance(told, StrategyReloadRefused)
    assert "a new one needs a restart" in told.text
