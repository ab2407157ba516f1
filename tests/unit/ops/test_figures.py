"""Figures for Prometheus: what is told on the bus becomes a number, with bounded labels."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from algotrader.core.events import (
    BarClosed,
    HeartbeatMissed,
    OrderAccepted,
    OrderFilled,
    OrderRejected,
    OrderSubmitted,
    RiskAction,
    RiskTripped,
    SliceClosed,
)
from algotrader.core.fills import Fill, Liquidity
from algotrader.core.ids import AccountId, OrderId, StrategyId, TradeId, VenueOrderId
from algotrader.core.money import Currency
from algotrader.core.orders import Intent, Order, OrderTerms, Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.live.subscription import Message
from algotrader.live.topics import priority_of, topic_of
from algotrader.ops.observing.figures import FIGURES, MOST_LABELS, PrometheusMetrics
from algotrader.ops.observing.meters import Latencies, Meters

BTC = Symbol.parse("OKX:BTC/USDT")
MAIN = AccountId("main")
HOUR = 1_700_002_800_000  # 2023-11-14 23:00 UTC
SENT = OrderId("ataaaa")


def told(meters: Meters, event: Any, at_s: float = 0.0) -> None:
    topic = topic_of(event)
    meters.hear(Message(topic, priority_of(topic), event, at_s))


def lines(metrics: PrometheusMetrics) -> dict[str, float]:
    text = metrics.text().decode()
    rows = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name.removeprefix("algotrader_"): float(value) for name, _, value in rows}


def bar(close: float, **more: Any) -> BarClosed:
    return BarClosed(
        ts_event=HOUR, ts_known=HOUR + 400, instrument=BTC, timeframe="1h", ts=HOUR - 3_600_000,
        open=close, high=close, low=close, close=close, volume=1.0, source="OKX", **more,
    )  # fmt: skip


def closed(*missing: Symbol) -> SliceClosed:
    return SliceClosed(
        ts_event=HOUR, ts_known=HOUR, timeframe="1h", decision_ts=HOUR, instruments=(BTC,),
        missing=missing,
    )  # fmt: skip


def submitted(side: Side = Side.BUY) -> OrderSubmitted:
    intent = Intent(
        account=MAIN, strategy=StrategyId("trend"), decided_at=datetime(2023, 11, 14, 23, tzinfo=UTC),
        terms=OrderTerms(instrument=BTC, side=side, quantity=Decimal(1)), purpose=Purpose.TARGET,
    )  # fmt: skip
    return OrderSubmitted(
        ts_event=HOUR, ts_known=HOUR, order=Order(order_id=SENT, intent=intent, terms=intent.terms),
        gate_sequence=1, state_hash="x", deadline_ms=HOUR + 5_000,
    )  # fmt: skip


def filled(price: str, side: Side = Side.BUY) -> OrderFilled:
    return OrderFilled(
        ts_event=HOUR, ts_known=HOUR,
        fill=Fill(
            trade_id=TradeId("1"), order_id=SENT, account=MAIN, instrument=BTC, side=side,
            quantity=Decimal(1), price=Decimal(price), fee=Decimal(0), fee_currency=Currency("USDT"),
            filled_at=datetime(2023, 11, 14, 23, tzinfo=UTC), liquidity=Liquidity.TAKER,
        ),
    )  # fmt: skip


def accepted() -> OrderAccepted:
    return OrderAccepted(
        ts_event=HOUR, ts_known=HOUR, account=MAIN, order_id=SENT, instrument=BTC,
        venue_order_id=VenueOrderId("7"),
    )  # fmt: skip


def test_an_order_is_timed_from_its_bars_to_being_sent_and_from_there_to_the_venues_word() -> None:
    metrics = PrometheusMetrics()
    meters = Meters(metrics)
    meters.handed_in(HOUR, 10.0)
    told(meters, bar(100.0), 10.004)
    told(meters, closed(), 10.004)
    told(meters, submitted(), 10.004)
    told(meters, accepted(), 10.054)

    found = lines(metrics)
    assert meters.decide.quantile(0.5) == pytest.approx(0.004)
    assert meters.accept.quantile(0.99) == pytest.approx(0.05)
    assert found['order_latency_seconds_sum{stage="decide"}'] == pytest.approx(0.004)
    assert found['orders_total{account="main",outcome="sent",strategy="trend"}'] == 1
    assert found['orders_total{account="main",outcome="accepted",strategy="trend"}'] == 1


def test_an_order_of_another_time_than_the_last_bars_is_not_timed_by_them() -> None:
    meters = Meters(PrometheusMetrics())
    told(meters, submitted(), 99.0)

    assert meters.decide.quantile(0.5) is None


@pytest.mark.parametrize(
    ("side", "price", "over", "within"),
    [(Side.BUY, "100.07", 5.0, 10.0), (Side.SELL, "100.07", -10.0, -5.0)],
)
def test_slippage_is_what_an_execution_was_worse_than_the_close_it_was_decided_at(
    side: Side, price: str, over: float, within: float
) -> None:
    metrics = PrometheusMetrics()
    meters = Meters(metrics)
    for event in (bar(100.0), closed(), submitted(side), bar(120.0), filled(price, side)):
        told(meters, event)

    found = lines(metrics)
    up_to = 'slippage_bps_bucket{{account="main",le="{}",strategy="trend"}}'
    assert (found[up_to.format(over)], found[up_to.format(within)]) == (0, 1)
    assert found['fills_total{account="main",liquidity="taker",strategy="trend"}'] == 1


def test_bars_are_counted_with_their_lag_and_gaps_and_silences_are() -> None:
    metrics = PrometheusMetrics()
    meters = Meters(metrics)
    silence = HeartbeatMissed(
        ts_event=HOUR, ts_known=HOUR, component="bars:OKX:BTC/USDT 1h", last_seen_ms=None,
        allowed_ms=1,
    )  # fmt: skip
    for event in (bar(1.0), bar(1.0, is_late=True), bar(1.0, revision=1), closed(BTC), silence):
        told(meters, event)

    found = lines(metrics)
    assert [
        found[f'bars_total{{state="{state}"}}'] for state in ("in_time", "late", "corrected")
    ] == [1, 1, 1]
    assert found["bar_lag_seconds_sum"] == pytest.approx(0.8)
    assert found['bars_missing_total{timeframe="1h"}'] == 1
    assert found['silences_total{part="bars"}'] == 1
    assert meters.silent == {"OKX:BTC/USDT"}
    told(meters, bar(1.0, is_late=True))
    assert meters.silent == {"OKX:BTC/USDT"}
    told(meters, bar(1.0))
    assert meters.silent == set()


def test_what_the_venue_and_the_rules_refused_is_counted() -> None:
    metrics = PrometheusMetrics()
    meters = Meters(metrics)
    told(meters, submitted())
    told(
        meters,
        OrderRejected(
            ts_event=0, ts_known=0, account=MAIN, order_id=SENT, instrument=BTC, code="1", reason=""
        ),
    )
    told(
        meters,
        RiskTripped(
            ts_event=0, ts_known=0, rule="max_drawdown", value=None, limit=None,
            action=RiskAction.HALT, text="",
        ),
    )  # fmt: skip

    found = lines(metrics)
    assert found['orders_total{account="main",outcome="rejected",strategy="trend"}'] == 1
    assert found['risk_trips_total{action="halt",rule="max_drawdown"}'] == 1


def test_a_figure_that_there_is_not_is_refused_and_nothing_is_raised() -> None:
    metrics = PrometheusMetrics()
    metrics.count("nonsense")
    metrics.count("orders")  # without its labels
    metrics.gauge("events", 1.0, topic="x")  # a counter
    metrics.count("events", -1.0, topic="x")  # a counter does not fall

    assert lines(metrics)["figures_refused_total"] == 3


def test_labels_are_bounded() -> None:
    metrics = PrometheusMetrics()
    for number in range(MOST_LABELS + 10):
        metrics.count("silences", part=f"part {number}")

    found = lines(metrics)
    assert sum(name.startswith("silences_total") for name in found) == MOST_LABELS
    assert found["figures_refused_total"] == 10


def test_each_figure_is_named_as_prometheus_wants_it_and_explained() -> None:
    for name, figure in FIGURES.items():
        assert name == name.lower()
        assert figure.help
        assert (figure.kind == "histogram") == bool(figure.buckets)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 3.0), (0.99, 4.0), (1.0, 4.0)])
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    latencies = Latencies()
    latencies.newest.extend([4.0, 2.0, 1.0, 3.0])

    assert latencies.quantile(share) == value
