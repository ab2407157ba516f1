"""Limits come from what the newest start or reload told, and from what was changed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from algotrader.core.events import LimitChanged, RunStarted, SettingsReloaded
from algotrader.core.ids import RunId
from algotrader.risk.settings import RiskSettings
from algotrader.risk.state import RiskState

TIMES: dict[str, Any] = {"ts_event": 1, "ts_known": 1}


def started(**account: str) -> RunStarted:
    return RunStarted(
        **TIMES, run_id=RunId("run"), execution="paper", configuration_hash="ab", software="1",
        settings={"risk": {"account": account}},
    )  # fmt: skip


def reloaded(settings: Mapping[str, Any]) -> SettingsReloaded:
    return SettingsReloaded(
        **TIMES, by="owner", channel="cli", reason="", configuration_hash="cd", settings=settings,
        changes=(),
    )  # fmt: skip


def by_hand(key: str, value: str | None) -> LimitChanged:
    return LimitChanged(
        **TIMES, key=key, before=None, after=value, value=value, by="owner", reason=""
    )


def folded(*events: Any) -> RiskState:
    state = RiskState(RiskSettings.model_validate({"account": {"max_positions": 9}}), {})
    for event in events:
        state.apply(event)
    return state


def test_the_newest_start_or_reload_says_what_holds() -> None:
    first = folded(started(max_leverage="2"))
    second = folded(
        started(max_leverage="2"), reloaded({"risk": {"account": {"max_leverage": "1"}}})
    )
    without = folded(started(max_leverage="2"), reloaded({"trading": {"mode": "paper"}}))

    assert (first.limits.account.max_leverage, first.limits.account.max_positions) == (2, None)
    assert second.limits.account.max_leverage == 1
    assert without.limits.account.max_leverage is None


def test_a_limit_changed_by_hand_outlives_them_until_it_is_the_files_again() -> None:
    key = "account.max_leverage"
    changed = folded(
        started(max_leverage="2"), by_hand(key, "1.5"),
        reloaded({"risk": {"account": {"max_leverage": "1", "max_daily_loss": "0.02"}}}),
    )  # fmt: skip

    assert changed.limits.account.max_leverage == Decimal("1.5")
    assert changed.limits.account.max_daily_loss == Decimal("0.02")
    changed.apply(by_hand(key, None))
    assert changed.limits.account.max_leverage == 1


def test_a_start_that_told_no_settings_leaves_the_files() -> None:
    old = RunStarted(
        **TIMES, run_id=RunId("run"), execution="paper", configuration_hash="ab", software="1"
    )

    assert folded(old).limits.account.max_positions == 9
