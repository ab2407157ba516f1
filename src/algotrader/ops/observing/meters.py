"""Figures from what is told on the bus: latencies, outcomes, slippage, lags, gaps."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from algotrader.core.events import (
    BarClosed,
    OrderDenied,
    OrderFilled,
    OrderNews,
    OrderSubmitted,
    RiskTripped,
    SliceClosed,
)
from algotrader.core.events.system import HeartbeatMissed
from algotrader.core.ids import OrderId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Order
from algotrader.core.ports import Metrics
from algotrader.core.symbols import Symbol
from algotrader.live.subscription import Message

TOPICS: Final = (
    "order.*", "market.bar_closed", "market.slice_closed", "risk.*", "strategy.*", "system.*",
)  # fmt: skip
_KEPT: Final = 2_000  # latencies of which the quantiles are
_SLICES: Final = 16
_ORDERS: Final = 10_000  # orders that are remembered
_OUTCOMES: Final = {
    "order.accepted": "accepted", "order.rejected": "rejected", "order.cancelled": "cancelled",
    "order.expired": "expired", "order.unknown": "unknown", "order.absent": "absent",
    "order.impossible_reply": "impossible_reply",
}  # fmt: skip
_NOBODY: Final = "-"


@dataclass(slots=True)
class Latencies:
    """The newest of one kind, in seconds."""

    newest: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def quantile(self, share: float) -> float | None:
        """The smallest that at least `share` of them do not exceed; None without any."""
        if not self.newest:
            return None
        ordered = sorted(self.newest)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


@dataclass(frozen=True, slots=True)
class _Sent:
    """An order that was sent: when, and at which price it was decided."""

    order: Order
    at_s: float
    decided_at: float | None  # the price


class Meters:
    """A quick listener of the bus."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._sent: OrderedDict[OrderId, _Sent] = OrderedDict()
        self._closes: dict[Symbol, float] = {}
        self._slices: OrderedDict[int, float] = (
            OrderedDict()
        )  # by decision time: when it was handed in
        self.decide, self.accept = Latencies(), Latencies()
        self.events = 0
        self.silent: set[str] = set()  # instruments whose bars have not come, `OKX:BTC/USDT`

    def hear(self, message: Message) -> None:
        self.events += 1
        self._metrics.count("events", topic=message.topic)
        match message.body:
            case BarClosed() as bar:
                self._bar(bar)
            case SliceClosed() as closed if closed.missing:
                self._metrics.count("bars_missing", len(closed.missing), timeframe=closed.timeframe)
            case OrderDenied() as denied:
                intent = denied.intent
                self._outcome(intent.account, intent.strategy, "denied")
            case OrderSubmitted() as submitted:
                self._submitted(submitted.order, message.at_s)
            case OrderFilled() as filled:
                self._filled(filled)
            case OrderNews() as news:
                self._news(news, message)
            case RiskTripped() as tripped:
                self._metrics.count("risk_trips", rule=tripped.rule, action=tripped.action.value)
            case HeartbeatMissed() as missed:
                self._silence(missed)

    def handed_in(self, decision_ts: int, at_s: float) -> None:
        """The last bar of a slice was handed to the trader: its orders are timed from here."""
        self._slices[decision_ts] = at_s
        if len(self._slices) > _SLICES:
            self._slices.popitem(last=False)

    def _bar(self, bar: BarClosed) -> None:
        state = "late" if bar.is_late else "corrected" if bar.revision else "in_time"
        self._metrics.count("bars", state=state)
        if not bar.is_late:
            self.silent.discard(str(bar.instrument))
            self._closes[bar.instrument] = bar.close
            self._metrics.observe("bar_lag_seconds", (bar.ts_known - bar.ts_event) / 1000)

    def _submitted(self, order: Order, at_s: float) -> None:
        self._outcome(order.account, order.strategy, "sent")
        closed_s = self._slices.get(utc_ms(order.intent.decided_at))
        if closed_s is not None and order.intent.parent is None:
            self._note("decide", self.decide, at_s - closed_s)
        self._sent[order.order_id] = _Sent(order, at_s, self._closes.get(order.instrument))
        if len(self._sent) > _ORDERS:
            self._sent.popitem(last=False)

    def _news(self, news: OrderNews, message: Message) -> None:
        outcome = _OUTCOMES.get(message.topic)
        if outcome is None:
            return
        sent = self._sent.get(news.order_id)
        strategy = _NOBODY if sent is None else sent.order.strategy
        self._outcome(news.account, strategy, outcome)
        if sent is not None and outcome == "accepted":
            self._note("accept", self.accept, message.at_s - sent.at_s)

    def _filled(self, event: OrderFilled) -> None:
        fill = event.fill
        sent = None if fill.order_id is None else self._sent.get(fill.order_id)
        strategy = _NOBODY if sent is None else sent.order.strategy
        liquidity = _NOBODY if fill.liquidity is None else fill.liquidity.value
        self._metrics.count("fills", account=fill.account, strategy=strategy, liquidity=liquidity)
        if sent is not None and sent.decided_at:
            worse = fill.side.sign * (float(fill.price) / sent.decided_at - 1)
            self._metrics.observe(
                "slippage_bps", worse * 10_000, account=fill.account, strategy=strategy
            )

    def _silence(self, missed: HeartbeatMissed) -> None:
        part, _, which = missed.component.partition(":")
        self._metrics.count("silences", part=part)
        if part == "bars":
            self.silent.add(which.rpartition(" ")[0])

    def _note(self, stage: str, kept: Latencies, seconds: float) -> None:
        kept.newest.append(seconds)
        self._metrics.observe("order_latency_seconds", seconds, stage=stage)

    def _outcome(self, account: str, strategy: str, outcome: str) -> None:
        self._metrics.count("orders", account=account, strategy=strategy, outcome=outcome)
