"""Accounts, intents and events for tests of risk: equity 10,000, price 100, nothing held."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import yaml
from tests.builders.books import SPOT, SWAP

from algotrader.core.events import (
    AccountMarked,
    BarClosed,
    Event,
    OrderFilled,
    OrderSubmitted,
    TradingMode,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, RunId, StrategyId, TradeId
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.instruments import FeeSchedule
from algotrader.core.money import Currency
from algotrader.core.orders import Approved, Denied, Intent, Order, OrderTerms, Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.risk.catalogue import RULES
from algotrader.risk.engine import RiskEngine
from algotrader.risk.exposure import AccountExposure, InstrumentExposure
from algotrader.risk.settings import RiskSettings

MAIN = AccountId("main")
TREND = StrategyId("trend")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
NOON_MS = utc_ms(NOON)
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
ETH = replace(SPOT, symbol=Symbol.parse("OKX:ETH/USDT"), base="ETH")
# A fee that cuts nothing, where a test is not about it.
FREE_SWAP = replace(SWAP, fees=FeeSchedule())
INSTRUMENTS = {one.symbol: one for one in (SPOT, SWAP, ETH)}


def a_risk(**sections: Any) -> RiskEngine:
    """A risk engine with these settings."""
    return RiskEngine(RiskSettings.model_validate(sections), INSTRUMENTS, RunId("run"))


def written(code: str) -> dict[str, Any]:
    """The settings that the catalogue writes for a rule."""
    lines = [rule.written for rule in RULES if rule.code == code and rule.written is not None]
    loaded = yaml.safe_load(lines[0])
    assert isinstance(loaded, dict)
    return loaded


def here(instrument: Any = SPOT, **changes: Any) -> InstrumentExposure:
    """One instrument at 100, traded by `trend`. Quantities may be texts."""
    amounts = {
        name: Decimal(value) if isinstance(value, str) and name != "owner" else value
        for name, value in changes.items()
    }
    fields = {"price": Decimal(100), "owner": TREND, **amounts}
    return InstrumentExposure(instrument=instrument, **fields)


def an_exposure(*instruments: InstrumentExposure, **changes: Any) -> AccountExposure:
    """An account with these instruments; BTC spot alone if none is given."""
    every = instruments or (here(),)
    fields: dict[str, Any] = {
        "account": MAIN,
        "mode": TradingMode.TRADING,
        "now_ms": NOON_MS,
        "equity": Decimal(10_000),
        "cash": Decimal(10_000),
        "deposits": Decimal(10_000),
        **changes,
    }
    for name in ("equity", "cash", "deposits"):
        fields[name] = Decimal(fields[name])
    return AccountExposure(instruments={one.instrument.symbol: one for one in every}, **fields)


def wants(quantity: str, purpose: Purpose = Purpose.TARGET, **terms: Any) -> Intent:
    """An intent of `trend`: a purchase of BTC spot, a sale if the quantity is negative."""
    instrument = terms.pop("instrument", SPOT)
    strategy = terms.pop("strategy", TREND)
    return Intent(
        account=MAIN,
        strategy=strategy,
        decided_at=NOON,
        leg=terms.pop("leg", 0),
        terms=OrderTerms(
            instrument=instrument.symbol,
            side=Side.BUY if Decimal(quantity) > 0 else Side.SELL,
            quantity=abs(Decimal(quantity)),
            **terms,
        ),
        purpose=purpose,
    )


def allowed(verdict: Approved[Order] | Denied) -> Decimal | list[str]:
    """The quantity let through, or the rules that refused."""
    if isinstance(verdict, Denied):
        return [reason.rule for reason in verdict.reasons]
    return verdict.order.quantity


def a_bar(at_ms: int, close: float, volume: float = 1.0, instrument: Any = SPOT) -> BarClosed:
    """An hourly bar that ends at an instant."""
    return BarClosed(
        ts_event=at_ms, ts_known=at_ms, instrument=instrument.symbol, timeframe="1h",
        ts=at_ms - HOUR, open=close, high=close, low=close, close=close, volume=volume,
        source="test",
    )  # fmt: skip


def bars(closes: list[float], end_ms: int = NOON_MS, instrument: Any = SPOT) -> list[Event]:
    """Hourly bars, the last one ending at an instant."""
    first = end_ms - (len(closes) - 1) * HOUR
    return [
        a_bar(first + row * HOUR, close, instrument=instrument) for row, close in enumerate(closes)
    ]


def a_mark(
    equity: str, at_ms: int = NOON_MS, deposits: str = "10000", **more: Any
) -> AccountMarked:
    fields = {"account": MAIN, "gross": Decimal(0), **more}
    return AccountMarked(
        ts_event=at_ms, ts_known=at_ms, equity=Decimal(equity), deposits=Decimal(deposits), **fields
    )


class Orders:
    """Sends orders and fills them, each under an id of its own."""

    def __init__(self) -> None:
        self.count = 0

    def sent(
        self, quantity: str, at_ms: int = NOON_MS, purpose: Purpose = Purpose.TARGET, **terms: Any
    ) -> OrderSubmitted:
        self.count += 1
        intent = wants(quantity, purpose, leg=self.count, **terms)
        order = Order.from_intent(intent, RunId("run"))
        return OrderSubmitted(
            ts_event=at_ms, ts_known=at_ms, order=order, gate_sequence=self.count,
            state_hash="", deadline_ms=at_ms + 5_000,
        )  # fmt: skip

    def filled(
        self,
        quantity: str,
        price: str,
        at_ms: int = NOON_MS,
        purpose: Purpose = Purpose.TARGET,
        fee: str = "0",
        **terms: Any,
    ) -> list[Event]:
        """An order sent and filled at once."""
        sent = self.sent(quantity, at_ms, purpose, **terms)
        order = sent.order
        fill = Fill(
            trade_id=TradeId(f"t-{self.count}"), order_id=order.order_id, account=MAIN,
            instrument=order.instrument, side=order.side, quantity=order.quantity,
            price=Decimal(price), fee=Decimal(fee), fee_currency=Currency("USDT"),
            filled_at=utc_at(at_ms),
        )  # fmt: skip
        return [sent, OrderFilled(ts_event=at_ms, ts_known=at_ms, fill=fill)]


def told(risk: RiskEngine, *events: Event) -> RiskEngine:
    """The engine after it was told of these."""
    for event in events:
        risk.apply(event)
    return risk


def watched(risk: RiskEngine, exposure: AccountExposure, at_ms: int | None = None) -> list[Event]:
    """What a watch tells, marks left out."""
    events: list[Event] = []

    def tell(event: Event) -> None:
        risk.apply(event)
        events.append(event)

    risk.watch(exposure, exposure.now_ms if at_ms is None else at_ms, tell)
    return [event for event in events if not isinstance(event, AccountMarked)]


def asked(risk: RiskEngine, request: Event) -> list[Event]:
    """What a person's request leads to."""
    events: list[Event] = []

    def tell(event: Event) -> None:
        risk.apply(event)
        events.append(event)

    risk.hear(request, tell)
    return events
