"""While trading: losses, margin, execution, protections and rules of one's own (DESIGN section 8).

`watch` marks an account and says what trips and what clears. It only tells events; what they mean
is `state.py`, and what is then to be sent or cancelled is `remedy.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypedDict

from algotrader.core.events import (
    AccountMarked,
    Event,
    RiskAction,
    RiskCleared,
    RiskTripped,
)
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import exact
from algotrader.risk.days import day_of, end_of
from algotrader.risk.equity_record import EquityRecord
from algotrader.risk.exposure import AccountExposure, InstrumentExposure
from algotrader.risk.figures import RiskFigures
from algotrader.risk.holds import Hold, HoldKey
from algotrader.risk.language.parser import parse_condition
from algotrader.risk.language.vocabulary import Of
from algotrader.risk.margin import margin_of
from algotrader.risk.protections import pauses
from algotrader.risk.settings import Rule, action_of
from algotrader.risk.state import TOTAL, RiskState

Tell = Callable[[Event], None]
"""Takes an event: applies it to the state, then keeps it."""

LINGERS_BARS: Final = 3
"""How long a scale lasts after its condition (DESIGN section 8)."""
_LASTING: Final = (RiskAction.HALT, RiskAction.FLATTEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    account: AccountId | None = None
    strategy: StrategyId | None = None
    instrument: Symbol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule sees now. `broken` None: it cannot be known."""

    scope: Scope
    rule: str
    broken: bool | None
    value: Decimal | None = None
    limit: Decimal | None = None
    action: RiskAction
    text: str
    until_ms: int | None = None
    latched: bool = False
    scale: Decimal | None = None


class _Place(TypedDict):
    account: AccountId | None
    strategy: StrategyId | None
    instrument: Symbol | None
    rule: str


class Watch:
    """One per engine. Deterministic: all time and all numbers are given."""

    def __init__(self, state: RiskState) -> None:
        self._state = state

    def watch(self, exposure: AccountExposure, at_ms: int, tell: Tell) -> None:
        """Mark an account as of an instant, then tell what tripped and what cleared.

        `at_ms` is the instant that prices are of: the close of a slice, else now. Nothing is
        marked while what the account is worth is not known; increases are denied by then.
        """
        now_ms = exposure.now_ms
        if exposure.equity.is_finite():
            tell(_mark(exposure, at_ms))
        self._expire(now_ms, tell)
        with exact():
            findings = (*self._limits(exposure), *self._rules(exposure))
        for finding in findings:
            self._follow(finding, now_ms, tell)
        self._forget({_key(finding) for finding in findings}, exposure, tell)
        self._protect(exposure, tell)

    def _limits(self, exposure: AccountExposure) -> Iterator[Finding]:
        yield from self._account(exposure)
        yield from self._strategies(exposure)
        yield from self._total(exposure)
        yield from self._execution(exposure)
        yield from self._stale(exposure)

    # Losses and margin

    def _account(self, exposure: AccountExposure) -> Iterator[Finding]:
        account = exposure.account
        limits = self._state.limits.of_account(account)
        scope, action = Scope(account=account), RiskAction(limits.on_breach)
        record = self._state.equities.get((account, None))
        by_day = limits.after_daily_loss == "next_day"
        yield from self._losses(
            record, scope, "account.", limits.max_daily_loss, limits.max_drawdown, action,
            exposure.now_ms, by_day=by_day,
        )  # fmt: skip
        if limits.max_leverage is not None and _is_positive(exposure.equity):
            yield _over(scope, exposure.gross() / exposure.equity, limits.max_leverage)
        if limits.min_margin_ratio is None and limits.min_liquidation_distance is None:
            return
        margin = margin_of(exposure)
        for rule, value, limit in (
            ("account.min_margin_ratio", margin.ratio, limits.min_margin_ratio),
            ("account.min_liquidation_distance", margin.distance, limits.min_liquidation_distance),
        ):
            if limit is not None:
                yield Finding(
                    scope=scope, rule=rule, broken=value is not None and value <= limit,
                    value=value, limit=limit, action=action, latched=action in _LASTING,
                    text=f"{_name(rule)} is {_percent(value)}, {_percent(limit)} is the least",
                )  # fmt: skip

    def _strategies(self, exposure: AccountExposure) -> Iterator[Finding]:
        for part in exposure.strategies:
            limits = self._state.limits.of_strategy(part.strategy)
            yield from self._losses(
                self._state.equities.get((exposure.account, part.strategy)),
                Scope(account=exposure.account, strategy=part.strategy), "strategy.",
                limits.max_daily_loss, limits.max_drawdown, RiskAction(limits.on_breach),
                exposure.now_ms, by_day=False,
            )  # fmt: skip

    def _total(self, exposure: AccountExposure) -> Iterator[Finding]:
        limits = self._state.limits.total
        yield from self._losses(
            self._state.equities.get(TOTAL), Scope(), "total.", limits.max_daily_loss,
            limits.max_drawdown, RiskAction(limits.on_breach), exposure.now_ms, by_day=False,
        )  # fmt: skip

    def _losses(
        self,
        record: EquityRecord | None,
        scope: Scope,
        prefix: Literal["account.", "strategy.", "total."],
        max_daily_loss: Decimal | None,
        max_drawdown: Decimal | None,
        action: RiskAction,
        now_ms: int,
        *,
        by_day: bool,
    ) -> Iterator[Finding]:
        """Loss of the day and drawdown (R28). Both act when they reach their limit."""
        if record is None:
            return
        lasting = action in _LASTING and not by_day
        zone = self._state.limits.day
        if max_daily_loss is not None:
            loss = record.daily_loss
            yield Finding(
                scope=scope, rule=f"{prefix}max_daily_loss", broken=loss >= max_daily_loss,
                value=loss, limit=max_daily_loss, action=action, latched=lasting,
                until_ms=None if lasting else end_of(day_of(now_ms, zone), zone),
                text=f"the loss of the day is {loss:.2%}, the limit {max_daily_loss:.2%}",
            )  # fmt: skip
        if max_drawdown is not None:
            fall = record.drawdown
            yield Finding(
                scope=scope, rule=f"{prefix}max_drawdown", broken=fall >= max_drawdown,
                value=fall, limit=max_drawdown, action=action,
                latched=action is not RiskAction.WARN,
                text=f"drawdown is {fall:.2%} ({record.run_drawdown:.2%} since the run began), "
                f"the limit {max_drawdown:.2%}",
            )  # fmt: skip

    # Execution and data

    def _execution(self, exposure: AccountExposure) -> Iterator[Finding]:
        limits, activity = self._state.limits.execution, self._state.activity
        action = RiskAction(limits.on_breach)
        lasting = action in _LASTING
        for name, value, limit in (
            ("max_reject_rate", activity.reject_rate(exposure.account), limits.max_reject_rate),
            ("max_slippage", activity.slippage(exposure.account), limits.max_slippage),
        ):
            if limit is not None:
                yield Finding(
                    scope=Scope(account=exposure.account), rule=f"execution.{name}",
                    broken=value is not None and value >= limit, value=value, limit=limit,
                    action=action, latched=lasting,
                    until_ms=None if lasting else exposure.now_ms + limits.pause,
                    text=f"{_name(name)} is {_percent(value)}, the limit {_percent(limit)}",
                )  # fmt: skip

    def _stale(self, exposure: AccountExposure) -> Iterator[Finding]:
        """The gate refuses orders on a stale price by itself; this tells the person."""
        for symbol, here in exposure.instruments.items():
            most = self._state.limits.of_instrument(symbol).max_missed_bars
            recent = self._state.bars.by_symbol.get(symbol)
            if most is None or recent is None:
                continue
            never_closes = here.instrument.calendar == "24/7"
            yield Finding(
                scope=Scope(account=exposure.account, instrument=symbol), rule="stale",
                broken=recent.is_stale(exposure.now_ms, most, never_closes=never_closes),
                value=Decimal(recent.missed), limit=Decimal(most), action=RiskAction.WARN,
                text=f"the price of {symbol} is stale: nothing of it is sent",
            )  # fmt: skip

    # Rules of one's own

    def _rules(self, exposure: AccountExposure) -> Iterator[Finding]:
        for rule in self._state.limits.rules:
            if parse_condition(rule.when).of is Of.ACCOUNT:
                yield self._judged(rule, exposure, None)
                continue
            for here in exposure.instruments.values():
                yield self._judged(rule, exposure, here)

    def _judged(
        self, rule: Rule, exposure: AccountExposure, here: InstrumentExposure | None
    ) -> Finding:
        figures = RiskFigures(state=self._state, exposure=exposure, here=here)
        truth = parse_condition(rule.when).truth(figures)
        name, scale = action_of(rule)
        action, text = RiskAction(name), f"{rule.name}: {rule.when}"
        if truth is None and action is not RiskAction.WARN:
            # What cannot be judged adds no risk, and sells nothing either.
            action, scale, text = RiskAction.REDUCE_ONLY, None, f"{text} cannot be judged yet"
        return Finding(
            scope=Scope(
                account=exposure.account, instrument=None if here is None else here.instrument.symbol
            ),
            rule=f"rule.{rule.name}", broken=truth, action=action, text=text,
            latched=action in _LASTING, scale=scale,
        )  # fmt: skip

    def _protect(self, exposure: AccountExposure, tell: Tell) -> None:
        settings = self._state.limits
        earned = pauses(
            settings.protections, self._state.trips, exposure.account, exposure.equity,
            exposure.now_ms,
        )  # fmt: skip
        for pause in list(earned):
            hold = self._state.holds.get(
                (pause.account, pause.strategy, pause.instrument, pause.rule)
            )
            if hold is not None and hold.until_ms == pause.until_ms:
                continue
            finding = Finding(
                scope=Scope(
                    account=pause.account, strategy=pause.strategy, instrument=pause.instrument
                ),
                rule=pause.rule, broken=True, value=pause.verdict.value, limit=pause.verdict.limit,
                action=RiskAction.REDUCE_ONLY, until_ms=pause.until_ms, text=pause.verdict.text,
            )  # fmt: skip
            tell(_trip(finding, exposure.now_ms))

    # Holds that follow from findings

    def _follow(self, finding: Finding, now_ms: int, tell: Tell) -> None:
        """Trip what is newly broken, clear what no longer is; nothing is told twice."""
        hold = self._state.holds.get(_key(finding))
        if finding.broken is None:
            if hold is None and finding.action is not RiskAction.WARN:
                tell(_trip(finding, now_ms))
            return
        if finding.broken:
            if hold is None or _is_weaker(hold, finding):
                tell(_trip(finding, now_ms))
            return
        if hold is None or hold.latched or hold.until_ms is not None:
            return
        if hold.scale is None or hold.bars_left == 0:
            tell(clearing(hold, now_ms, "no longer so"))
        elif hold.bars_left is None:
            tell(clearing(hold, now_ms, "no longer so", after_bars=LINGERS_BARS))

    def _forget(self, judged: set[HoldKey], exposure: AccountExposure, tell: Tell) -> None:
        """Clear what no rule stands behind any more: it was taken out of the settings."""
        for key, hold in list(self._state.holds.items()):
            alone = not hold.latched and hold.until_ms is None and key not in judged
            if alone and hold.account == exposure.account:
                tell(clearing(hold, exposure.now_ms, "the rule is gone"))

    def _expire(self, now_ms: int, tell: Tell) -> None:
        for hold in list(self._state.holds.values()):
            if hold.is_over(now_ms):
                tell(clearing(hold, now_ms, "its time is over"))


def _is_weaker(hold: Hold, finding: Finding) -> bool:
    """Whether a hold does less, or otherwise, than what is found now asks for."""
    order = list(RiskAction)
    if hold.bars_left is not None or hold.scale != finding.scale:
        return True
    return order.index(hold.action) < order.index(finding.action)


def _key(finding: Finding) -> HoldKey:
    scope = finding.scope
    return scope.account, scope.strategy, scope.instrument, finding.rule


def _trip(finding: Finding, now_ms: int) -> RiskTripped:
    return RiskTripped(
        ts_event=now_ms, ts_known=now_ms, account=finding.scope.account,
        strategy=finding.scope.strategy, instrument=finding.scope.instrument, rule=finding.rule,
        value=_told(finding.value), limit=finding.limit, action=finding.action, scale=finding.scale,
        until_ms=finding.until_ms, latched=finding.latched, text=finding.text,
    )  # fmt: skip


def clearing(
    hold: Hold, now_ms: int, text: str, *, after_bars: int = 0, by: str = "risk"
) -> RiskCleared:
    """The event that ends a hold, or begins its end."""
    place = _Place(
        account=hold.account, strategy=hold.strategy, instrument=hold.instrument, rule=hold.rule
    )
    return RiskCleared(
        ts_event=now_ms, ts_known=now_ms, **place, after_bars=after_bars, by=by, text=text
    )


def _over(scope: Scope, leverage: Decimal, limit: Decimal) -> Finding:
    """Prices alone have carried an exposure over its limit: the person is told."""
    return Finding(
        scope=scope, rule="over.max_leverage", broken=leverage > limit, value=leverage,
        limit=limit, action=RiskAction.WARN,
        text=f"leverage is {leverage:.2f}, {limit} is the limit of increases",
    )  # fmt: skip


def _mark(exposure: AccountExposure, at_ms: int) -> AccountMarked:
    return AccountMarked(
        ts_event=at_ms, ts_known=exposure.now_ms, account=exposure.account,
        equity=exposure.equity, deposits=exposure.deposits, gross=exposure.gross(),
        strategies=exposure.strategies,
    )  # fmt: skip


def _is_positive(equity: Decimal) -> bool:
    return equity.is_finite() and equity > 0


def _told(value: Decimal | None) -> Decimal | None:
    """To eight places: a fraction of sixty digits tells nobody more."""
    return None if value is None else round(value, 8)


def _percent(value: Decimal | None) -> str:
    return "not known" if value is None else f"{value:.2%}"


def _name(rule: str) -> str:
    return rule.rpartition(".")[2].removeprefix("max_").removeprefix("min_").replace("_", " ")
