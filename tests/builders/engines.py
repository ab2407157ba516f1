"""One engine that trades one instrument by hand: bars and answers in, orders out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.builders.books import SWAP

from algotrader.core.accounts import Account, MarginMode
from algotrader.core.events import (
    Asked,
    BarClosed,
    CashMoved,
    DecisionOutcome,
    Event,
    ModeChanged,
    OrderAccepted,
    OrderFilled,
    OrderSeen,
    SliceClosed,
    StrategyAnswered,
    TargetWanted,
    TradingMode,
)
from algotrader.core.events.questions import StrategyQuestion
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, RunId, StrategyId, TradeId, VenueOrderId
from algotrader.core.instants import utc_at
from algotrader.core.instruments import FeeSchedule, Instrument
from algotrader.core.money import Currency
from algotrader.core.orders import Order, OrderStatus
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import AskStrategy, Command, Submit
from algotrader.engine.engine import Engine
from algotrader.engine.settings import EngineSettings, StrategyInstance

MAIN, TREND, USDT = AccountId("main"), StrategyId("trend"), Currency("USDT")
BTC = replace(SWAP, fees=FeeSchedule())  # a contract is 0.01 of a coin: 1 USDT at 100
HOUR = 3_600_000
T0 = 1_700_000_000_000 // HOUR * HOUR


class Desk:
    """One engine that trades one swap; equity 10,000, a bar closes at each hour."""

    def __init__(
        self,
        instrument: Instrument = BTC,
        engine: Mapping[str, Any] | None = None,
        others: tuple[Instrument, ...] = (),
        **changes: Any,
    ) -> None:
        """`changes` are of the strategy, `engine` of the engine's settings."""
        self.symbol = instrument.symbol
        every = (instrument, *others)
        symbols = tuple(one.symbol for one in every)
        trend = StrategyInstance(
            strategy=TREND, account=MAIN, instruments=symbols, timeframe="1h", **changes
        )
        account = Account(
            account_id=MAIN, venue="OKX", currency=USDT, margin_mode=MarginMode.CASH,
            instruments=symbols, strategies=(TREND,),
        )  # fmt: skip
        self.settings = EngineSettings(
            run_id=RunId("run"), configuration_hash="", accounts=(account,),
            instruments={one.symbol: one for one in every}, strategies=(trend,), **(engine or {}),
        )  # fmt: skip
        self.engine = Engine(self.settings)
        self.commands: list[Command] = []
        self.events: list[Event] = []
        self.trades = 0
        self.tell(
            CashMoved(**at(T0), account=MAIN, movement_id="m", reason="deposit",
                      amount=Decimal(10_000), currency=USDT),
            ModeChanged(**at(T0), account=MAIN, mode=TradingMode.TRADING, reason="", by="recovery"),
        )  # fmt: skip

    def tell(self, *events: Event) -> list[Command]:
        """Everything that is to be done after these events."""
        done: list[Command] = []
        for event in events:
            outcome = self.engine.handle(event)
            self.events += outcome.events
            done += outcome.commands
        self.commands += done
        return done

    def bar(self, hour: int, close: float = 100.0) -> StrategyQuestion | None:
        """The bar that closes at an hour; the question that goes out with it."""
        done = self.tell(*bar_events(hour, close, self.symbol))
        return next(one.question for one in done if isinstance(one, AskStrategy))

    def bars(self, hour: int) -> list[Command]:
        """The bars of all instruments that close at an hour, at 100, and their slice."""
        symbols = tuple(self.settings.instruments)
        bars = [bar_events(hour, symbol=symbol)[0] for symbol in symbols]
        slice_ = SliceClosed(
            **at(T0 + hour * HOUR), timeframe="1h", decision_ts=T0 + hour * HOUR,
            instruments=symbols,
        )  # fmt: skip
        return self.tell(*bars, slice_)

    def answer(
        self, hour: int, target: float | None = None, asked: Iterable[Asked] = ()
    ) -> list[Order]:
        """The orders that an answer leads to."""
        done = self.tell(
            StrategyAnswered(
                **at(T0 + hour * HOUR), account=MAIN, strategy=TREND,
                decision_ts=T0 + hour * HOUR, outcome=DecisionOutcome.DECIDED,
                wanted=(TargetWanted(instrument=self.symbol, target=target, features={}),),
                asked=tuple(asked), state={"seen": hour},
            )
        )  # fmt: skip
        return sent(done)

    def accept(self, order: Order, ms: int) -> list[Command]:
        return self.tell(OrderAccepted(**self.news(order, ms), venue_order_id=VenueOrderId("v")))

    def fill(self, order: Order, quantity: int, ms: int, price: int = 100) -> list[Command]:
        self.trades += 1
        return self.tell(
            OrderFilled(
                **at(ms),
                fill=Fill(
                    trade_id=TradeId(f"t{self.trades}"), order_id=order.order_id, account=MAIN,
                    instrument=order.instrument, side=order.side, quantity=Decimal(quantity),
                    price=Decimal(price), fee=Decimal(0), fee_currency=USDT, filled_at=utc_at(ms),
                ),
            )
        )  # fmt: skip

    def seen(self, order: Order, status: OrderStatus, filled: int, ms: int) -> list[Command]:
        """What the venue says of an order that it is asked about."""
        return self.tell(
            OrderSeen(**self.news(order, ms), venue_order_id=VenueOrderId("v"), status=status,
                      filled_quantity=Decimal(filled))
        )  # fmt: skip

    def restart(self, ms: int) -> list[Command]:
        """A new process: the journal replayed, then what a start asks the venue first."""
        self.engine = Engine(self.settings)
        for event in self.events:
            self.engine.apply(event)
        self.recovery(ms, TradingMode.STARTING)
        outcome = self.engine.resume(ms)
        self.events += outcome.events
        self.commands += outcome.commands
        return outcome.commands

    def recovery(self, ms: int, mode: TradingMode = TradingMode.TRADING) -> list[Command]:
        """How the comparison of books and venue ends."""
        return self.tell(ModeChanged(**at(ms), account=MAIN, mode=mode, reason="", by="recovery"))

    def held(self, symbol: Symbol | None = None) -> Decimal:
        part = self.engine.state.books[MAIN].parts[TREND]
        return part.position(symbol or self.symbol).quantity

    def news(self, order: Order, ms: int) -> dict[str, Any]:
        return {**at(ms), "account": MAIN, "order_id": order.order_id,
                "instrument": order.instrument}  # fmt: skip


def bar_events(hour: int, close: float = 100.0, symbol: Symbol = BTC.symbol) -> list[Event]:
    """A flat bar that closes at an hour after `T0`, and its slice."""
    now = at(T0 + hour * HOUR)
    return [
        BarClosed(**now, instrument=symbol, timeframe="1h", ts=T0 + (hour - 1) * HOUR, open=close,
                  high=close, low=close, close=close, volume=1e6, source="test"),
        SliceClosed(**now, timeframe="1h", decision_ts=T0 + hour * HOUR, instruments=(symbol,)),
    ]  # fmt: skip


def at(ms: int) -> dict[str, int]:
    return {"ts_event": ms, "ts_known": ms}


def sent(commands: Iterable[Command]) -> list[Order]:
    return [one.approved.order for one in commands if isinstance(one, Submit)]


def of_kind(commands: Iterable[Command], kind: type[Any]) -> list[Any]:
    return [one for one in commands if isinstance(one, kind)]
