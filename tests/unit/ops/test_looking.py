"""What a look at a trader sees: what each account is worth, and why it would not trade."""

from __future__ import annotations

import pytest
from tests.builders.engines import BTC, HOUR, MAIN, T0, Desk, at
from tests.builders.events import EXAMPLES

from algotrader.core.events import AccountMarked, HaltRequested, ModeChanged, TradingMode
from algotrader.live.subscription import Message
from algotrader.live.topics import priority_of, topic_of
from algotrader.ops.observing.event_lines import fields_of
from algotrader.ops.observing.figures import PrometheusMetrics
from algotrader.ops.observing.looking import AccountFigures, MemoryCheck, reasons_not_ready
from algotrader.ops.observing.meters import Meters

NOW = T0 + 3 * HOUR


def figures(metrics: PrometheusMetrics) -> dict[str, float]:
    rows = [line.rpartition(" ") for line in metrics.text().decode().splitlines()]
    return {
        name.removeprefix("algotrader_"): float(value)
        for name, _, value in rows
        if not name.startswith("#")
    }


def a_position() -> Desk:
    """Long 5,000 contracts of 0.01 coins at 100: half of the equity of 10,000."""
    desk = Desk()
    desk.bar(1)
    [order] = desk.answer(1, 0.5)
    desk.accept(order, T0 + HOUR + 10)
    desk.fill(order, 5_000, T0 + HOUR + 20)
    return desk


def test_equity_drawdown_exposure_and_orders_of_an_account_are_told() -> None:
    desk, metrics = a_position(), PrometheusMetrics()
    accounts = AccountFigures(metrics)
    accounts.look(desk.engine.state, NOW)
    desk.bar(2, close=98.0)
    accounts.look(desk.engine.state, NOW)
    told = figures(metrics)

    assert told['equity{account="main"}'] == pytest.approx(9_900.0)  # 50 coins lost 2 each
    assert told['drawdown{account="main"}'] == pytest.approx(0.01)
    assert told['exposure{account="main"}'] == pytest.approx(4_900 / 9_900)
    assert told['open_orders{account="main"}'] == 0.0
    assert told['may_trade{account="main"}'] == 1.0


def test_a_trader_that_may_trade_has_no_reason_not_to_be_ready() -> None:
    desk = a_position()

    assert reasons_not_ready(desk.engine.state, NOW, is_reconciled=True, silent=()) == ()


def test_recovery_a_halt_and_a_silent_feed_are_reasons() -> None:
    desk = a_position()
    desk.tell(
        HaltRequested(**at(NOW), account=MAIN, by="me", channel="cli", reason="enough"),
    )
    said = reasons_not_ready(desk.engine.state, NOW, is_reconciled=False, silent=[str(BTC.symbol)])

    assert said == (
        "recovery: the books are still being compared with the venue",
        "account main: halted",
        f"feed: no bars of {BTC.symbol}",
    )


def test_reduce_only_is_a_reason_and_no_figure_of_trading() -> None:
    desk, metrics = a_position(), PrometheusMetrics()
    desk.tell(
        ModeChanged(**at(NOW), account=MAIN, mode=TradingMode.REDUCE_ONLY, reason="", by="risk")
    )
    AccountFigures(metrics).look(desk.engine.state, NOW)

    assert reasons_not_ready(desk.engine.state, NOW, is_reconciled=True, silent=()) == (
        "account main: reduce_only",
    )
    assert figures(metrics)['may_trade{account="main"}'] == 0.0


@pytest.mark.parametrize(
    ("used", "soft", "hard"), [(699, False, False), (700, True, False), (900, True, True)]
)
def test_f11_memory_is_told_at_seventy_and_mended_at_ninety_percent(
    used: int, soft: bool, hard: bool
) -> None:
    check = MemoryCheck(used_bytes=used, limit_bytes=1000.0)

    assert (check.is_soft, check.is_hard) == (soft, hard)


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
def test_every_event_is_a_line_and_a_figure(event: AccountMarked) -> None:
    topic, metrics = topic_of(event), PrometheusMetrics()
    message = Message(topic, priority_of(topic), event, 0.0)
    Meters(metrics).hear(message)
    told = figures(metrics)

    assert told[f'events_total{{topic="{topic}"}}'] == 1
    assert told["figures_refused_total"] == 0
    shown = fields_of(message)
    assert "event" not in shown
    assert not any(isinstance(value, dict) and "terms" in value for value in shown.values())
