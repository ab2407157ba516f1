"""What the bar simulator takes and gives: the plain, typed contract of the kernel.

Two implementations speak it: the native kernel (`execution.simulated.simulate`) and the slow
reference under `tests/reference/`, which is written from the rule book alone. Everything here
is arrays, numbers and enumerations; `Decimal` books and symbols live above it.

Conventions. `T` rows of one base time frame, `N` instruments, columns in the order of the
symbol's text (R1). Prices are quote currency per unit, NaN where a bar is missing (R3); volume is
in the unit of the order's quantity and 0 there. Quantities are signed base units or contracts.
Money is the account's currency (for inverse contracts: the coin they settle in).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class InstrumentKind(IntEnum):
    """How an instrument is booked: spot moves cash by its value, the others by realised profit."""

    SPOT = 0
    LINEAR = 1  # perpetual, future, or a share that may be sold short
    INVERSE = 2  # settled in the base coin


class OrderKind(IntEnum):
    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3
    TRAILING_STOP = 4


class TimeInForce(IntEnum):
    GTC = 0
    IOC = 1
    FOK = 2
    DAY = 3
    GTD = 4


class PathRule(IntEnum):
    """In which order the extremes of a bar are met (R17)."""

    WORST = 0
    BEST = 1  # the extreme for the position first; only to show the span, never the default
    NEAR_FAR = 2
    FINER = 3  # bars of a finer time frame decide


class RebalanceRule(IntEnum):
    """At which decisions a target is looked at (R10)."""

    ON_CHANGE = 0
    EVERY_BAR = 1
    SCHEDULE = 2
    BAND = 3


class ExecutionRule(IntEnum):
    """How a target is worked (R13)."""

    MARKET = 0
    CAPPED = 1


class MarginMode(IntEnum):
    CROSS = 0
    ISOLATED = 1


class SizeAt(IntEnum):
    """Where a target's quantity is computed: at the decision (R9) or at the fill (R33)."""

    CLOSE = 0
    FILL = 1


class GapFill(IntEnum):
    """At what price a resting limit fills when the open gaps past it (R15)."""

    BY_VENUE = 0  # open where there is an auction, limit where the venue never closes
    OPEN = 1
    LIMIT = 2


class FillReason(IntEnum):
    """Why a fill happened, as attribution and the trade list name it."""

    ORDER = 0  # an explicit order of the strategy
    TARGET = 1  # a target was acted on
    STOP_LOSS = 2
    TAKE_PROFIT = 3
    TRAILING = 4
    LIQUIDATION = 5
    DELISTED = 6
    GROUP = 7  # a leg reduced to match its group (R37)


class OrderState(IntEnum):
    """How an order ended, or `WORKING` at the end of the data."""

    WORKING = 0
    FILLED = 1
    CANCELLED = 2  # by the strategy, a sibling, or a new target
    EXPIRED = 3  # IOC, FOK, DAY, GTD
    REJECTED = 4  # as the venue would
    DENIED = 5  # by our rules, before it existed


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedInstrument:
    """One column of the panel and what it costs to trade it."""

    symbol: str
    kind: InstrumentKind = InstrumentKind.SPOT
    tick: float = 0.0  # quote per unit; 0 = no tick
    lot: float = 1e-8  # quantity of one lot
    min_quantity: float = 0.0
    min_notional: float = 0.0  # quote
    multiplier: float = 1.0  # units (linear) or quote (inverse) of one contract
    maker_fee: float = 0.0  # fraction of notional; negative is a rebate
    taker_fee: float = 0.0
    min_fee: float = 0.0  # quote, per order (R14)
    fee_in_received: bool = False  # fee taken in what was bought (R14)
    slippage_bps: float = 0.0
    half_spread_bps: float = 0.0
    impact: float = 0.0  # y of R22
    participation: float = 0.1  # fraction of a bar's volume; 0 switches the cap off (R20)
    never_closes: bool = True  # crypto; False for venues with an auction (R13, R15)
    leverage: float = 1.0  # derivatives: initial margin = notional / leverage
    tiers: tuple[tuple[float, float], ...] = ()  # (notional upper bound, maintenance rate), R23
    liquidation_fee: float = 0.0  # fraction of the notional at the mark
    size_share: float = 1.0  # fraction of equity its weights refer to (R2)
    listed_at: int | None = None  # UTC ms, R29
    delisted_at: int | None = None
    delist_haircut: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    """The account and the rules of one run. Fractions, not percent."""

    cash: float = 10_000.0
    margin_mode: MarginMode = MarginMode.CROSS
    cash_buffer: float = 0.0
    max_leverage: float = 1.0  # of sum |weight| on derivatives (R12)
    max_weight: float = np.inf  # gate: |weight| of one instrument; over it a target is cut (R28)
    max_notional: float = np.inf  # gate: notional of one position, quote
    max_weight_abs: float = 10.0  # R4
    rebalance: RebalanceRule = RebalanceRule.ON_CHANGE
    band: float = 0.0  # x of R10
    execution: ExecutionRule | None = None  # None: by venue (R13)
    cap_bps: float = 50.0
    path: PathRule = PathRule.WORST
    gap_fill: GapFill = GapFill.BY_VENUE
    size_at: SizeAt = SizeAt.CLOSE
    stop_loss: float | None = None  # of a `targets` strategy (R19), fraction of average entry
    take_profit: float | None = None
    trailing: float | None = None
    reenter_after: int | None = None  # bars
    close_only: bool = False  # R38


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The market as arrays. Optional parts are absent as `None`, never as zeros."""

    ts: Ints  # (T,) bar opens, UTC ms, strictly ascending
    timeframe_ms: int  # a bar covers [ts, ts + timeframe_ms)
    open: Floats  # (T, N); with close_only equal to close and unused
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    session: Ints | None = None  # (T,) ascending id of the trading day of each row; None: UTC day
    mark_open: Floats | None = None  # (T, N), R7 and R23; NaN falls back to the price
    mark_high: Floats | None = None
    mark_low: Floats | None = None
    mark_close: Floats | None = None
    funding_ts: Ints | None = None  # (F,) ascending
    funding_instrument: Ints | None = None  # (F,) column
    funding_rate: Floats | None = None  # (F,) fraction; longs pay a positive rate
    schedule: NDArray[np.bool_] | None = None  # (T,) decisions of RebalanceRule.SCHEDULE
    finer_ts: Ints | None = None  # (M,) opens of finer bars, for PathRule.FINER
    finer_ohlc: Floats | None = None  # (M, 4, N)
    finer_mark_ohlc: Floats | None = None  # (M, 4, N), R23 under FINER; NaN falls back to the price


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An explicit order raised at a decision. Exactly one of quantity, weight, value (R36).

    Kind follows from the prices: none = market, `limit`, `stop`, both = stop-limit, `trail`.
    """

    instrument: int
    side: int  # +1 buy, -1 sell
    quantity: float | None = None  # base units or contracts, positive
    weight: float | None = None  # fraction of equity at the decision, positive
    value: float | None = None  # account currency, positive
    limit: float | None = None
    stop: float | None = None
    trail: float | None = None  # fraction
    stop_loss: float | None = None  # protection of what this order opens (R19)
    take_profit: float | None = None
    trailing: float | None = None
    tif: TimeInForce = TimeInForce.GTC
    expires_at: int | None = None  # UTC ms, for GTD
    post_only: bool = False
    reduce_only: bool = False
    group: int | None = None  # R37
    tag: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRequest:
    """`ctx.target(...)`: acted on at once (R10); weight of equity or signed quantity."""

    instrument: int
    weight: float | None = None
    quantity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    order: int  # number of the order: 0 for the first OrderRequest of the run, then 1, 2, ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendRequest:
    """New quantity (of the whole order) or prices of a resting order; its age is renewed (R7)."""

    order: int
    quantity: float | None = None
    limit: float | None = None
    stop: float | None = None


Request = OrderRequest | TargetRequest | CancelRequest | AmendRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """All fills of a run in the order they happened, one array per column, each of shape (F,)."""

    row: Ints  # index of the bar
    instrument: Ints
    order: Ints  # number of the explicit order; -1 for targets, protection, liquidation
    quantity: Floats  # signed: positive bought
    price: Floats
    fee: Floats  # in quote currency at the fill's price, also when taken in the coin
    slippage: Floats  # money lost to slippage, >= 0
    maker: NDArray[np.bool_]
    reason: NDArray[np.int8]  # FillReason
    opening: NDArray[np.bool_]  # True if it increased the position, False if it reduced it
    ambiguous: NDArray[np.bool_]  # its bar is ambiguous for its instrument (R17)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationResult:
    """What happened. A flip is two rows of `fills` (close, then open) at one price (R12)."""

    fills: Fills
    equity: Floats  # (T,) after the close of each bar, R8
    cash: Floats  # (T,) the wallet
    position: Floats  # (T, N) signed quantity after each bar
    funding: Floats  # (T, N) money received (+) or paid (-) in each bar; may be read-only
    order_state: NDArray[np.int8]  # (orders,) OrderState of each explicit order
    counters: Mapping[str, int] = field(default_factory=dict)
    # below_minimum, no_bar, cash_cut, leverage_scaled, weight_scaled, post_only_rejected,
    # reduce_only_cut, nan_targets, refused_targets, negative_spot_targets, ambiguous_bars,
    # liquidations, funding_without_mark, impact_skipped, partial_carried, flips, finer_fallback,
    # denied_limit, denied_reentry, delisted, fok_killed, ioc_expired, group_reduced
    ambiguous_row: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))  # (A,) R17:
    ambiguous_instrument: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    # rows and columns of ambiguous bars, with or without a fill


Script = Mapping[int, Sequence[Request]]
"""Requests by row: what an `on_bar` strategy asked for at the decision of that row."""
