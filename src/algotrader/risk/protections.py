"""Which pauses the trades of late have earned. `protection_settings.py` is how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import ZERO, exact
from algotrader.risk.protection_settings import (
    Cooldown,
    LosingStreak,
    LowProfit,
    Protection,
    StopGuard,
    TradeDrawdown,
)
from algotrader.risk.round_trips import ClosedTrip, RoundTrips


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a protection saw, and what it allows."""

    value: Decimal
    limit: Decimal
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing of the scope is increased until then."""

    rule: str
    account: AccountId
    strategy: StrategyId | None
    instrument: Symbol | None
    until_ms: int
    verdict: Verdict


def pauses(
    protections: tuple[Protection, ...],
    trips: RoundTrips,
    account: AccountId,
    equity: Decimal,
    now_ms: int,
) -> Iterator[Pause]:
    """The pauses in force now, each counted from the last trade of its scope.

    Two protections of one kind are told apart by their place in the configuration.
    """
    for place, protection in enumerate(protections, start=1):
        for (strategy, symbol), scope in _scopes(protection, trips, account).items():
            until = scope[0].closed_ms + protection.pause
            if until <= now_ms:
                continue
            seen = [trip for trip in scope if trip.closed_ms > now_ms - _within(protection)]
            with exact():
                verdict = _JUDGES[type(protection)](protection, seen, equity)
            if verdict is not None:
                yield Pause(
                    rule=f"protection.{protection.kind}.{place}", account=account,
                    strategy=strategy, instrument=symbol, until_ms=until, verdict=verdict,
                )  # fmt: skip


def _scopes(
    protection: Protection, trips: RoundTrips, account: AccountId
) -> dict[tuple[StrategyId | None, Symbol | None], list[ClosedTrip]]:
    """The trips of each scope that a protection counts together, the newest first."""
    found: dict[tuple[StrategyId | None, Symbol | None], list[ClosedTrip]] = {}
    for trip in trips.newest(account):
        strategy = trip.strategy if protection.per == "strategy" else None
        symbol = trip.instrument if protection.per == "instrument" else None
        found.setdefault((strategy, symbol), []).append(trip)
    return found


def _within(protection: Protection) -> int:
    """How far back trades count; where nothing is said, as far as they are remembered."""
    return getattr(protection, "within", 2**62)


def _cooldown(rule: Cooldown, seen: list[ClosedTrip], _: Decimal) -> Verdict | None:
    newest = seen[0] if seen else None
    if newest is None:
        return None
    hit = {"stop": newest.by_stop, "loss": newest.profit < 0, "exit": True}[rule.after]
    text = f"cool-down after the last trade ({rule.after})"
    return Verdict(value=newest.profit, limit=ZERO, text=text) if hit else None


def _stop_guard(rule: StopGuard, seen: list[ClosedTrip], _: Decimal) -> Verdict | None:
    stops = sum(trip.by_stop for trip in seen)
    if stops < rule.stops:
        return None
    text = f"{stops} stops lately, {rule.stops} bring a pause"
    return Verdict(value=Decimal(stops), limit=Decimal(rule.stops), text=text)


def _low_profit(rule: LowProfit, seen: list[ClosedTrip], _: Decimal) -> Verdict | None:
    profit = sum((trip.fraction for trip in seen), ZERO)
    if len(seen) < rule.trades or profit >= rule.min_profit:
        return None
    text = f"{len(seen)} trades returned {profit:.2%} in sum, {rule.min_profit:.2%} is asked for"
    return Verdict(value=profit, limit=rule.min_profit, text=text)


def _losing_streak(rule: LosingStreak, seen: list[ClosedTrip], _: Decimal) -> Verdict | None:
    streak = next((place for place, trip in enumerate(seen) if trip.profit >= 0), len(seen))
    if streak < rule.losses:
        return None
    text = f"{streak} losses in a row, {rule.losses} bring a pause"
    return Verdict(value=Decimal(streak), limit=Decimal(rule.losses), text=text)


def _drawdown(rule: TradeDrawdown, seen: list[ClosedTrip], equity: Decimal) -> Verdict | None:
    """The fall of summed profit from its peak, of the equity before these trades."""
    profits = [trip.profit for trip in reversed(seen)]
    before = equity - sum(profits, ZERO)
    if len(seen) < rule.trades or before <= 0:
        return None
    total = peak = deepest = ZERO
    for profit in profits:
        total += profit
        peak = max(peak, total)
        deepest = max(deepest, (peak - total) / (before + peak))
    if deepest < rule.drawdown:
        return None
    text = f"recent trades fell {deepest:.2%} from their peak, {rule.drawdown:.2%} bring a pause"
    return Verdict(value=deepest, limit=rule.drawdown, text=text)


_JUDGES: Final[Mapping[type, Callable[[Any, list[ClosedTrip], Decimal], Verdict | None]]] = {
    Cooldown: _cooldown,
    StopGuard: _stop_guard,
    LowProfit: _low_profit,
    LosingStreak: _losing_streak,
    TradeDrawdown: _drawdown,
}
