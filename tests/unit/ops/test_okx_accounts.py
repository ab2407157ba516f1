"""How an account of a desk is traded on OKX."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from algotrader.core.ids import AccountId, RunId
from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.streams import StreamSettings
from algotrader.live.settings import AccountSettings, TradingSettings
from algotrader.ops.okx_accounts import _broker_settings

CARRY = AccountId("carry")


class State:
    """Slices of two lengths of bars, on which accounts may have begun."""

    def __init__(self, *begun: AccountId, **slices: int) -> None:
        self.begun = begun
        self.slices = {
            name.strip("_"): SimpleNamespace(decision_ts=at) for name, at in slices.items()
        }

    def has_begun(self, account: AccountId) -> bool:
        return account in self.begun


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
        (State(CARRY), None),
        (State(_15m=2_000, _1h=1_000), None),  # others traded, it did not: from now on
    ],
)
def test_what_others_traded_is_booked_from_the_newest_decision_of_the_account_on(
    state: State, since: int | None
) -> None:
    assert settings_of(state).trades_since_ms == since
