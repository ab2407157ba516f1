"""Rooms: what each limit on size has been used of, and how much an increase may still use.

One list serves the gate, which lets an order trade no more than the smallest room, and headroom,
which shows them all: so a limit that has no room left is exactly one that denies. All amounts are
worst cases: open orders count as if they filled in whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from algotrader.core.ids import StrategyId
from algotrader.core.orders import OF_TARGETS, OrderTerms, Purpose, Side
from algotrader.portfolio.positions import exact
from algotrader.risk.days import day_of
from algotrader.risk.exposure import ZERO, AccountExposure, InstrumentExposure
from algotrader.risk.holds import Hold
from algotrader.risk.margin import free_of
from algotrader.risk.state import RiskState

INFINITE: Final = Decimal("Infinity")
_VOLUME_BARS: Final = 20
_SECOND_MS: Final = 1_000


class Unit(StrEnum):
    """What a room is counted in."""

    MONEY = "money"  # account currency
    FRACTION = "fraction"  # of equity
    QUANTITY = "quantity"  # base units or contracts
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One limit of one order, instrument, strategy, account or all."""

    rule: str
    subject: str  # `OKX:BTC/USDT`, `account main`
    used: Decimal
    limit: Decimal
    step: Decimal = ZERO  # used by one unit of quantity; 0: by one order, whatever its size
    unit: Unit
    per: Decimal = Decimal(1)  # divides for display: equity, where a fraction of it is meant
    cuts: bool = True  # False: what is over it is refused whole

    @property
    def left(self) -> Decimal:
        """What may still be used; 0 once the limit is reached."""
        return max(self.limit - self.used, ZERO)

    @property
    def most(self) -> Decimal:
        """The largest quantity that an increase may add."""
        if self.left == 0:
            return ZERO
        return self.left / self.step if self.step else INFINITE

    def sentence(self, increase: Decimal) -> str:
        """What an increase would come to, and what is allowed."""
        after = self.used + (increase * self.step if self.step else 1)
        return (
            f"{self.subject} would be {self._shown(after)}, {self.rule} allows "
            f"{self._shown(self.limit)}"
        )

    def _shown(self, amount: Decimal) -> str:
        if self.unit is Unit.FRACTION:
            return f"{amount / self.per:.2%} of equity" if self.per > 0 else "more than equity"
        if self.unit is Unit.MONEY:
            return f"{amount:,.2f}"
        return f"{amount.normalize():f}" if amount.is_finite() else str(amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An increase of one instrument on one side, as the rooms look at it."""

    state: RiskState
    exposure: AccountExposure
    here: InstrumentExposure
    side: Side
    strategy: StrategyId
    terms: OrderTerms | None = None  # None: nobody asks, headroom is shown
    purpose: Purpose = Purpose.ORDER
    reducing: Decimal = ZERO  # of the order, that only takes from the position

    @property
    def unit(self) -> Decimal:
        """What one unit of quantity is worth at the last price, in the account's money."""
        return self.here.worth(Decimal(1))

    @property
    def symbol(self) -> str:
        return str(self.here.instrument.symbol)

    @property
    def at(self) -> Decimal:
        """What one unit of quantity is worth at the order's own price."""
        return self.here.worth(Decimal(1), self._own_price)

    @property
    def _own_price(self) -> Decimal | None:
        return None if self.terms is None else self.terms.limit or self.terms.stop

    @property
    def quoted(self) -> Decimal:
        """One unit of quantity in quote currency, which limits on notional are told in (R28)."""
        return self.here.notional(Decimal(1))

    @property
    def quoted_at(self) -> Decimal:
        """The same at the order's own price."""
        return self.here.notional(Decimal(1), self._own_price)


def rooms(asked: Question) -> Iterator[Room]:
    """Every limit in force that an increase of this kind uses, ValueError without a price."""
    with exact():
        for part in _PARTS:
            yield from part(asked)


def _order(asked: Question) -> Iterator[Room]:
    limits, state = asked.state.limits.order, asked.state
    reduced, size = asked.reducing, Decimal(1)
    equity = asked.exposure.equity
    if limits.max_quantity is not None:
        yield Room(rule="order.max_quantity", subject="the order", used=reduced,
                   limit=max(limits.max_quantity, reduced), step=size, unit=Unit.QUANTITY)  # fmt: skip
    if limits.max_notional is not None:
        notional = reduced * asked.quoted_at
        yield Room(rule="order.max_notional", subject="the order", used=notional, unit=Unit.MONEY,
                   limit=max(limits.max_notional, notional), step=asked.quoted_at)  # fmt: skip
    worth = reduced * asked.at
    if limits.max_weight is not None:
        yield Room(rule="order.max_weight", subject="the order", used=worth, step=asked.at,
                   limit=max(limits.max_weight * equity, worth), unit=Unit.FRACTION,
                   per=equity)  # fmt: skip
    if limits.max_volume_share is not None:
        traded = _mean_volume(asked) * limits.max_volume_share
        yield Room(rule="order.max_volume_share", subject="the order", used=reduced, step=size,
                   limit=max(traded, reduced), unit=Unit.QUANTITY)  # fmt: skip
    largest = state.activity.largest(asked.here.instrument.symbol)
    if limits.fat_finger is not None and largest is not None:
        usual = limits.fat_finger * largest
        yield Room(rule="order.fat_finger", subject="the order", used=reduced, step=size,
                   limit=max(usual, reduced), unit=Unit.QUANTITY, cuts=False)  # fmt: skip
    yield from _rates(asked)


def _rates(asked: Question) -> Iterator[Room]:
    limits, activity = asked.state.limits.order, asked.state.activity
    account, now_ms = asked.exposure.account, asked.exposure.now_ms
    for rule, limit, window in (
        ("max_per_second", limits.max_per_second, _SECOND_MS),
        ("max_per_minute", limits.max_per_minute, 60 * _SECOND_MS),
    ):
        if limit is not None:
            sent = Decimal(activity.sent_within(account, now_ms, window))
            yield Room(rule=rule, subject="orders sent", used=sent, limit=Decimal(limit),
                       unit=Unit.COUNT)  # fmt: skip


def _instrument(asked: Question) -> Iterator[Room]:
    here, equity = asked.here, asked.exposure.equity
    limits = asked.state.limits.of_instrument(here.instrument.symbol)
    held = here.worst(asked.side)
    if limits.max_quantity is not None:
        yield Room(rule="max_quantity", subject=asked.symbol, used=held, limit=limits.max_quantity,
                   step=Decimal(1), unit=Unit.QUANTITY)  # fmt: skip
    if limits.max_notional is not None:
        yield Room(rule="max_notional", subject=asked.symbol, used=held * asked.quoted,
                   limit=limits.max_notional, step=asked.quoted, unit=Unit.MONEY)  # fmt: skip
    if limits.max_weight is not None:
        yield Room(rule="max_weight", subject=asked.symbol, used=held * asked.unit,
                   limit=limits.max_weight * equity, step=asked.unit, unit=Unit.FRACTION,
                   per=equity)  # fmt: skip
    if limits.max_open_orders is not None:
        yield Room(rule="max_open_orders", subject=f"open orders of {asked.symbol}",
                   used=Decimal(here.open_orders), limit=Decimal(limits.max_open_orders),
                   unit=Unit.COUNT)  # fmt: skip
    if limits.max_orders_per_day is not None:
        yield Room(rule="max_orders_per_day", subject=f"orders of {asked.symbol} today",
                   used=_sent_today(asked, here), limit=Decimal(limits.max_orders_per_day),
                   unit=Unit.COUNT)  # fmt: skip


def _strategy(asked: Question) -> Iterator[Room]:
    limits = asked.state.limits.of_strategy(asked.strategy)
    if not any((limits.max_weight, limits.max_gross, limits.max_positions,
                limits.max_open_orders)):  # fmt: skip
        return
    name, equity = f"strategy {asked.strategy}", asked.exposure.equity
    own = [
        here for here in asked.exposure.instruments.values()
        if here.owner == asked.strategy or here is asked.here
    ]  # fmt: skip
    gross = _gross(own, asked)
    if limits.max_gross is not None:
        yield Room(rule="strategy.max_gross", subject=name, used=gross, limit=limits.max_gross,
                   step=asked.unit, unit=Unit.MONEY)  # fmt: skip
    if limits.max_weight is not None:
        yield Room(rule="strategy.max_weight", subject=name, used=gross,
                   limit=limits.max_weight * equity, step=asked.unit, unit=Unit.FRACTION,
                   per=equity)  # fmt: skip
    yield from _counts("strategy.", name, own, asked, limits.max_positions, limits.max_open_orders)


def _account(asked: Question) -> Iterator[Room]:
    limits = asked.state.limits.of_account(asked.exposure.account)
    name, equity = f"account {asked.exposure.account}", asked.exposure.equity
    every = list(asked.exposure.instruments.values())
    if limits.max_leverage is not None:
        yield Room(rule="max_leverage", subject=name, used=_gross(every, asked),
                   limit=limits.max_leverage * equity, step=asked.unit, unit=Unit.FRACTION,
                   per=equity)  # fmt: skip
    if limits.max_gross is not None:
        yield Room(rule="max_gross", subject=name, used=_gross(every, asked),
                   limit=limits.max_gross, step=asked.unit, unit=Unit.MONEY)  # fmt: skip
    if limits.max_net is not None:
        yield Room(rule="max_net", subject=name, used=_net(every, asked), limit=limits.max_net,
                   step=asked.unit, unit=Unit.MONEY)  # fmt: skip
    if limits.max_concentration is not None:
        asset = asked.here.instrument.base
        same = [here for here in every if here.instrument.base == asset]
        yield Room(rule="max_concentration", subject=f"{asset} in {name}",
                   used=_net(same, asked), limit=limits.max_concentration * equity,
                   step=asked.unit, unit=Unit.FRACTION, per=equity)  # fmt: skip
    if limits.max_orders_per_day is not None:
        yield Room(rule="account.max_orders_per_day", subject=f"orders of {name} today",
                   used=_sent_today(asked, None), limit=Decimal(limits.max_orders_per_day),
                   unit=Unit.COUNT)  # fmt: skip
    if limits.max_turnover is not None:
        yield Room(rule="max_turnover", subject=f"turnover of {name} today",
                   used=_traded_today(asked, every), limit=limits.max_turnover * equity,
                   step=asked.unit, unit=Unit.FRACTION, per=equity)  # fmt: skip
    if limits.min_free is not None:
        yield _free(asked, limits.min_free, name)
    yield from _counts("account.", name, every, asked, limits.max_positions, limits.max_open_orders)


def _total(asked: Question) -> Iterator[Room]:
    limits = asked.state.limits.total
    if not any((limits.max_gross, limits.max_net, limits.max_leverage)):
        return
    accounts = (asked.exposure, *asked.exposure.others)
    every = [here for account in accounts for here in account.instruments.values()]
    equity = sum((account.equity for account in accounts), ZERO)
    gross = _gross(every, asked)
    if limits.max_leverage is not None:
        yield Room(rule="total.max_leverage", subject="all accounts", used=gross,
                   limit=limits.max_leverage * equity, step=asked.unit, unit=Unit.FRACTION,
                   per=equity)  # fmt: skip
    if limits.max_gross is not None:
        yield Room(rule="total.max_gross", subject="all accounts", used=gross,
                   limit=limits.max_gross, step=asked.unit, unit=Unit.MONEY)  # fmt: skip
    if limits.max_net is not None:
        yield Room(rule="total.max_net", subject="all accounts", used=_net(every, asked),
                   limit=limits.max_net, step=asked.unit, unit=Unit.MONEY)  # fmt: skip


def _scaled(asked: Question) -> Iterator[Room]:
    """Targets at a fraction of what they latched, while a rule says so (DESIGN section 8)."""
    if asked.purpose not in OF_TARGETS:
        return
    symbol, account = asked.here.instrument.symbol, asked.exposure.account
    latched = asked.state.latched.get((account, asked.strategy, symbol))
    for hold in asked.state.holds_on(account, asked.strategy, symbol, asked.exposure.now_ms):
        if hold.scale is not None and latched is not None:
            yield _scale_room(asked, hold, latched)


def _scale_room(asked: Question, hold: Hold, latched: Decimal) -> Room:
    wanted = max(asked.side.sign * latched, ZERO)
    return Room(
        rule=hold.rule, subject=asked.symbol, used=asked.here.worst(asked.side),
        limit=wanted * (hold.scale or ZERO), step=Decimal(1), unit=Unit.QUANTITY,
    )  # fmt: skip


def _counts(
    prefix: str, name: str, every: list[InstrumentExposure], asked: Question,
    max_positions: int | None, max_open_orders: int | None,
) -> Iterator[Room]:  # fmt: skip
    if max_positions is not None:
        others = [here for here in every if here is not asked.here and _in_use(here)]
        already = _in_use(asked.here)
        yield Room(rule=f"{prefix}max_positions", subject=f"positions of {name}",
                   used=ZERO if already else Decimal(len(others)), limit=Decimal(max_positions),
                   unit=Unit.COUNT)  # fmt: skip
    if max_open_orders is not None:
        count = sum(here.open_orders for here in every)
        yield Room(rule=f"{prefix}max_open_orders", subject=f"open orders of {name}",
                   used=Decimal(count), limit=Decimal(max_open_orders), unit=Unit.COUNT)  # fmt: skip


def _free(asked: Question, reserve: Decimal, name: str) -> Room:
    """What is paid for: the notional of spot, the margin of derivatives, and the taker fee."""
    instrument = asked.here.instrument
    leverage = Decimal(1) if instrument.is_spot_like else instrument.margin.leverage
    price = asked.at / leverage + asked.at * max(instrument.fees.taker, ZERO)
    free = max(free_of(asked.exposure) - reserve * asked.exposure.equity, ZERO)
    return Room(rule="min_free", subject=f"spending of {name}", used=ZERO, limit=free, step=price,
                unit=Unit.MONEY)  # fmt: skip


def _gross(every: Iterable[InstrumentExposure], asked: Question) -> Decimal:
    """Worst |notional| of all, the instrument asked about on the side asked about alone."""
    rest = sum((here.worst_notional() for here in every if here is not asked.here), ZERO)
    return rest + asked.here.worst(asked.side) * asked.unit


def _net(every: Iterable[InstrumentExposure], asked: Question) -> Decimal:
    """Worst signed notional on the side asked about: everything of that side fills, nothing else.

    What of the order only reduces is taken off, since the room is for what it adds beyond that.
    """
    sign, total = asked.side.sign, ZERO
    for here in every:
        if here.price is None:
            continue
        pending = here.buying if asked.side is Side.BUY else here.selling
        total += (sign * here.position + pending) * here.worth(Decimal(1))
    return total + asked.reducing * asked.unit


def _in_use(here: InstrumentExposure) -> bool:
    pending = here.buying if here.position >= 0 else here.selling
    return abs(here.position) >= here.instrument.lot or pending > 0 or here.open_orders > 0


def _sent_today(asked: Question, here: InstrumentExposure | None) -> Decimal:
    place = (asked.exposure.account, None if here is None else here.instrument.symbol)
    count = asked.state.activity.sent_today.get(place)
    day = day_of(asked.exposure.now_ms, asked.state.limits.day)
    return ZERO if count is None else count.on(day)


def _traded_today(asked: Question, every: Iterable[InstrumentExposure]) -> Decimal:
    """What was traded, and what open orders may still trade."""
    traded = asked.state.activity.traded_today.get(asked.exposure.account)
    day = day_of(asked.exposure.now_ms, asked.state.limits.day)
    pending = sum(
        (here.worth(here.buying + here.selling) for here in every if here.price is not None),
        ZERO,
    )
    own = asked.reducing * asked.unit
    return pending + own + (ZERO if traded is None else traded.on(day))


def _mean_volume(asked: Question) -> Decimal:
    """Mean volume of the last bars; 0, which allows nothing, while it is not known."""
    recent = asked.state.bars.by_symbol.get(asked.here.instrument.symbol)
    if recent is None or not recent.volumes:
        return ZERO
    volumes = list(recent.volumes)[-_VOLUME_BARS:]
    return sum((Decimal(repr(volume)) for volume in volumes), ZERO) / len(volumes)


_PARTS: Final[tuple[Callable[[Question], Iterator[Room]], ...]] = (
    _instrument, _order, _strategy, _account, _total, _scaled,
)  # fmt: skip
