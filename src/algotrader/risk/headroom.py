"""How much of each limit is left: what `status` and the console show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.orders import Side
from algotrader.portfolio.positions import exact
from algotrader.risk.equity_record import EquityRecord
from algotrader.risk.exposure import ZERO, AccountExposure
from algotrader.risk.margin import margin_of
from algotrader.risk.rooms import Question, Room, Unit, rooms
from algotrader.risk.state import TOTAL, RiskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """One limit in force: what is used of it and what is left. `left` 0: increases are denied."""

    rule: str
    subject: str
    used: Decimal
    limit: Decimal
    left: Decimal
    unit: Unit
    action: str | None = None  # what reaching it does; None: increases are cut or denied

    @property
    def share(self) -> Decimal:
        """Used of the limit, 1 when nothing is left."""
        with exact():
            return min(self.used / self.limit, Decimal(1)) if self.limit > 0 else Decimal(1)


def headroom(state: RiskState, exposure: AccountExposure) -> tuple[Headroom, ...]:
    """Every limit in force on an account, the fullest first.

    Limits of an order alone are left out: what an order may be does not depend on what is held.
    Where a limit has two sides, the one with less room is shown. Without prices or equity nothing
    of size can be said, and nothing may be increased.
    """
    with exact():
        found = [*_sizes(state, exposure), *_losses(state, exposure), *_margins(state, exposure)]
    return tuple(sorted(found, key=lambda one: (-one.share, one.rule, one.subject)))


def _sizes(state: RiskState, exposure: AccountExposure) -> Iterator[Headroom]:
    tightest: dict[tuple[str, str], Headroom] = {}
    for room in _every_room(state, exposure):
        if room.rule.startswith("order.") or room.rule == "min_free":
            continue
        shown = _shown(room)
        place = (room.rule, room.subject)
        if place not in tightest or shown.left < tightest[place].left:
            tightest[place] = shown
    yield from tightest.values()


def _every_room(state: RiskState, exposure: AccountExposure) -> Iterator[Room]:
    if not (exposure.equity.is_finite() and exposure.equity > 0):
        return
    for here in exposure.instruments.values():
        if here.price is None or not here.price.is_finite() or here.price <= 0:
            continue
        for side in Side:
            yield from rooms(
                Question(
                    state=state, exposure=exposure, here=here, side=side,
                    strategy=here.owner or StrategyId(""),
                )
            )  # fmt: skip


def _shown(room: Room) -> Headroom:
    """A room in the unit it was written in: a weight as a fraction of equity."""
    per = room.per if room.unit is Unit.FRACTION else Decimal(1)
    return Headroom(
        rule=room.rule, subject=room.subject, used=room.used / per, limit=room.limit / per,
        left=room.left / per, unit=room.unit,
    )  # fmt: skip


def _losses(state: RiskState, exposure: AccountExposure) -> Iterator[Headroom]:
    account = state.limits.of_account(exposure.account)
    total = state.limits.total
    yield from _of_record(
        state.equities.get((exposure.account, None)), "account.", f"account {exposure.account}",
        account.max_daily_loss, account.max_drawdown, account.on_breach,
    )  # fmt: skip
    yield from _of_record(
        state.equities.get(TOTAL), "total.", "all accounts", total.max_daily_loss,
        total.max_drawdown, total.on_breach,
    )  # fmt: skip
    for strategy in _strategies(state, exposure.account):
        own = state.limits.of_strategy(strategy)
        yield from _of_record(
            state.equities.get((exposure.account, strategy)), "strategy.",
            f"strategy {strategy}", own.max_daily_loss, own.max_drawdown, own.on_breach,
        )  # fmt: skip


def _strategies(state: RiskState, account: AccountId) -> list[StrategyId]:
    return sorted(
        strategy for owner, strategy in state.equities if owner == account and strategy is not None
    )


def _of_record(
    record: EquityRecord | None, prefix: str, subject: str, daily: Decimal | None,
    drawdown: Decimal | None, action: str,
) -> Iterator[Headroom]:  # fmt: skip
    for name, limit, used in (
        ("max_daily_loss", daily, record.daily_loss if record else ZERO),
        ("max_drawdown", drawdown, record.drawdown if record else ZERO),
    ):
        if limit is not None:
            yield Headroom(
                rule=f"{prefix}{name}", subject=subject, used=used, limit=limit,
                left=max(limit - used, ZERO), unit=Unit.FRACTION, action=action,
            )  # fmt: skip


def _margins(state: RiskState, exposure: AccountExposure) -> Iterator[Headroom]:
    """Least values: what is left is how far the figure stands above its limit."""
    limits = state.limits.of_account(exposure.account)
    if not exposure.equity.is_finite():
        return
    margin = margin_of(exposure)
    for name, least, value in (
        ("min_margin_ratio", limits.min_margin_ratio, margin.ratio),
        ("min_liquidation_distance", limits.min_liquidation_distance, margin.distance),
    ):
        if least is not None and value is not None:
            yield Headroom(
                rule=f"account.{name}", subject=f"account {exposure.account}", used=least,
                limit=value, left=max(value - least, ZERO), unit=Unit.FRACTION,
                action=limits.on_breach,
            )  # fmt: skip
