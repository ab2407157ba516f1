"""Every figure that is told to Prometheus, and the Metrics port over its client.

What is not in the table is not told, and each figure keeps a bounded number of labels: a figure
per order would fill any memory within weeks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MOST_LABELS: Final = 500
"""Sets of labels of one figure."""
_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_BPS: Final = (-50.0, -20.0, -10.0, -5.0, -2.0, -1.0, 0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_OWN: Final = ("account", "strategy")


@dataclass(frozen=True, slots=True)
class Figure:
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


FIGURES: Final[Mapping[str, Figure]] = MappingProxyType(
    {
        "events": Figure("counter", "Events committed to the journal, by topic", ("topic",)),
        "orders": Figure("counter", "What became of orders", (*_OWN, "outcome")),
        "order_latency_seconds": Figure(
            "histogram",
            "decide: bars complete to order durable and sent; accept: sent to accepted by the venue",
            ("stage",), _SECONDS,
        ),
        "fills": Figure("counter", "Executions", (*_OWN, "liquidity")),
        "slippage_bps": Figure(
            "histogram",
            "Price of an execution against the last close before its order; positive costs money",
            _OWN, _BPS,
        ),
        "risk_trips": Figure("counter", "Rules that tripped", ("rule", "action")),
        "bars": Figure("counter", "Bars", ("state",)),
        "bars_missing": Figure("counter", "Bars that steps went on without", ("timeframe",)),
        "bar_lag_seconds": Figure("histogram", "Close of a bar to our knowing it", (), _SECONDS),
        "silences": Figure("counter", "Times a part or a feed was silent too long", ("part",)),
        "reconnects": Figure("counter", "Streams that were lost and opened again", ("stream",)),
        "bus_dropped": Figure("gauge", "Messages that a listener was too slow for", ("listener",)),
        "queue_depth": Figure("gauge", "What waits in a queue", ("queue",)),
        "clock_offset_seconds": Figure("gauge", "The venue's clock less ours", ("venue",)),
        "equity": Figure("gauge", "Worth at last prices, account currency", ("account",)),
        "drawdown": Figure("gauge", "Fall from the peak, fraction", ("account",)),
        "exposure": Figure("gauge", "Sum of |notional| over equity, open orders in full",
                           ("account",)),
        "open_orders": Figure("gauge", "Orders that are not over", ("account",)),
        "may_trade": Figure("gauge", "1 trading, 0 anything less", ("account",)),
        "ready": Figure("gauge", "1 if nothing keeps the trader from trading"),
        "last_decision_timestamp_seconds": Figure("gauge", "When was decided last, UTC"),
        "loop_lag_seconds": Figure("gauge", "How late the event loop was, at worst since last time"),
        "loop_blocked": Figure("counter", "Times the event loop stood still for over a second"),
        "memory_bytes": Figure("gauge", "Resident memory", ("process",)),
        "cpu": Figure("gauge", "Cores in use by the trader since last time"),
        "log_lines_lost": Figure("gauge", "Log lines that no disk took in time"),
    }
)  # fmt: skip


class PrometheusMetrics:
    """The Metrics port. A figure or a label that there is not is counted, and nothing is raised."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._figures = {name: _made(name, it, self._registry) for name, it in FIGURES.items()}
        self._told: dict[str, set[tuple[str, ...]]] = {name: set() for name in FIGURES}
        self._refused = Counter(
            "algotrader_figures_refused", "Figures that could not be told", registry=self._registry
        )

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        found = self._find(name, "counter", labels)
        if isinstance(found, Counter) and amount >= 0:
            found.inc(amount)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        found = self._find(name, "gauge", labels)
        if isinstance(found, Gauge):
            found.set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        found = self._find(name, "histogram", labels)
        if isinstance(found, Histogram):
            found.observe(value)

    def text(self) -> bytes:
        """All figures as Prometheus reads them. Any thread may ask."""
        return generate_latest(self._registry)

    def _find(self, name: str, kind: str, labels: Mapping[str, str]) -> object:
        figure = FIGURES.get(name)
        if figure is None or figure.kind != kind or set(labels) != set(figure.labels):
            self._refused.inc()
            return None
        values = tuple(labels[label] for label in figure.labels)
        told = self._told[name]
        if values not in told:
            if len(told) >= MOST_LABELS:
                self._refused.inc()
                return None
            told.add(values)
        found = self._figures[name]
        return found.labels(*values) if values else found


def _made(name: str, figure: Figure, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    name = f"algotrader_{name}"
    if figure.kind == "counter":
        return Counter(name, figure.help, figure.labels, registry=registry)
    if figure.kind == "gauge":
        return Gauge(name, figure.help, figure.labels, registry=registry)
    return Histogram(name, figure.help, figure.labels, buckets=figure.buckets, registry=registry)
