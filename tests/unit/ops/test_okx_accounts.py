"""How an account of a desk is traded on OKX."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from algotrader.core.events import CashMoved, Event
from algotrader.core.ids import AccountId, RunId
from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.rest import Answer
from algotrader.data.adapters.okx.streams import StreamSettings
from algotrader.live.settings import AccountSettings, TradingSettings
from algotrader.ops.okx_accounts import _broker_settings, begin_books

CARRY = AccountId("carry")


class State:
    """Slices of two lengths of bars, on which accounts may have begun, at 500."""

    def __init__(self, *begun: AccountId, **slices: int) -> None:
        self.begun = begun
        self.slices = {
            name.strip("_"): SimpleNamespace(decision_ts=at) for name, at in slices.items()
        }

    def begun_ms(self, account: AccountId) -> int | None:
        return 500 if account in self.begun else None


def settings_of(state: State, margin: str = "cash") -> Any:
    account: Any = SimpleNamespace(
        name=CARRY, settings=AccountSettings(margin=margin), symbols=(Symbol.parse("OKX:A/USDT"),),
        strategies=[SimpleNamespace(settings=SimpleNamespace(timeframe=one)) for one in ("15m", "1h")],
    )  # fmt: skip
    engine_state: Any = state
    return _broker_settings(
        account, TradingSettings(), engine_state, RunId("run"), StreamSettings()
    )


@pytest.mark.parametrize(
    ("margin", "sent"), [("cash", "cross"), ("cross", "cross"), ("isolated", "isolated")]
)
def test_the_margin_mode_of_an_account_is_that_of_its_orders(margin: str, sent: str) -> None:
    assert settings_of(State(), margin).margin_mode == sent


@pytest.mark.parametrize(
    ("state", "since"),
    [
        (State(CARRY, _15m=2_000, _1h=1_000), 1_000),  # what is furthest behind
        (State(CARRY, _15m=2_000), 2_000),
        (State(CARRY), 500),  # killed before its first decision
        (State(_15m=2_000, _1h=1_000), None),  # others traded, it did not: from now on
    ],
)
def test_what_others_traded_is_booked_from_the_newest_decision_of_the_account_on(
    state: State, since: int | None
) -> None:
    chosen = settings_of(state)

    assert chosen.trades_since_ms == since
    assert chosen.books_since_ms == state.begun_ms(CARRY)


def test_books_begin_at_the_venues_time_after_it_told_what_the_account_has() -> None:
    """So nothing that they begin with is told as a trade again, whatever our clock says."""
    asked: list[str] = []

    class Client:
        async def get(self, path: str, _: Any) -> Answer:
            asked.append(path)
            coin = {"ccy": "USDT", "eq": "5", "cashBal": "5"}
            rows = {"public/time": {"ts": "77"}, "account/balance": {"details": [coin]}}
            return Answer(code="0", message="", rows=(rows[path],))

    class Broker:
        begun: int | None = None

        async def positions(self, _: Any) -> dict[Symbol, Decimal]:
            asked.append("positions")
            return {}

        def begin_books(self, at_ms: int) -> None:
            self.begun = at_ms

    broker, told = Broker(), list[Event]()
    account: Any = SimpleNamespace(
        name=CARRY, client=Client(), broker=broker,
        account=SimpleNamespace(
            name=CARRY, symbols=(), currency="USDT", settings=AccountSettings(),
        ),
    )  # fmt: skip
    state = SimpleNamespace(has_begun=lambda _: False)
    steps: Any = SimpleNamespace(
        engine=SimpleNamespace(state=state), take=lambda *new: told.extend(new)
    )
    asyncio.run(begin_books([account], steps, 9_999))

    assert asked == ["account/balance", "positions", "public/time"]
    (begun,) = told
    assert isinstance(begun, CashMoved)
    assert (begun.ts_event, begun.ts_known, begun.amount) == (77, 9_999, 5)
    assert broker.begun == 77
