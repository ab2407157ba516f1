"""The `risk` section of algotrader.yaml: limits per order, instrument, strategy, account and in
total, what happens when one is passed while trading, protections, and rules of one's own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

from pydantic import Field, model_validator

from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol
from algotrader.risk.kinds import (
    Action,
    Amount,
    Count,
    Duration,
    Fraction,
    Hours,
    Multiple,
    Ratio,
    Reserve,
    Scale,
    Section,
    Then,
    Weight,
    When,
    Zone,
)
from algotrader.risk.language.parser import parse_condition
from algotrader.risk.protection_settings import Protection

HELD_BY_FAST_DRIVER = {
    ("account", "max_leverage"),
    ("instrument", "max_weight"),
    ("instrument", "max_notional"),
}
MANNERS = frozenset({"on_breach", "after_daily_loss", "pause"})
"""Keys that say how a limit acts; they limit nothing by themselves."""
_WATCHED = frozenset(
    {
        "max_leverage", "max_daily_loss", "max_drawdown", "min_margin_ratio",
        "min_liquidation_distance", "max_missed_bars", "max_reject_rate", "max_slippage",
        "protections", "rules",
    }
)  # fmt: skip
_LIVE_ONLY = {("instrument", "max_quote_age")}


class AccountLimits(Section):
    max_leverage: Multiple | None = Field(None, description="sum of |weights| of equity (R12)")
    max_gross: Amount | None = Field(None, description="sum of |notional|, account currency")
    max_net: Amount | None = Field(None, description="|sum of signed notional|, account currency")
    max_concentration: Weight | None = Field(
        None, description="of equity, net, in all instruments of one asset together"
    )
    max_positions: Count | None = Field(None, description="instruments held or being bought")
    max_open_orders: Count | None = Field(None, description="orders at the venue or on their way")
    max_orders_per_day: Count | None = Field(None, description="orders sent in a day")
    max_turnover: Amount | None = Field(
        None, description="notional traded in a day, in multiples of equity"
    )
    min_free: Reserve | None = Field(
        None, description="of equity, that no increase may spend; 0: it must be payable (R11)"
    )
    max_daily_loss: Fraction | None = Field(None, description="of the day's first equity (R28)")
    max_drawdown: Fraction | None = Field(None, description="from the peak since re-arming (R28)")
    min_margin_ratio: Ratio | None = Field(
        None, description="margin equity / maintenance margin; liquidated at 1 (R23)"
    )
    min_liquidation_distance: Fraction | None = Field(
        None, description="move against all positions at once that would liquidate (R23)"
    )
    on_breach: Action = Field("flatten", description="what a breach of loss or margin does")
    after_daily_loss: Literal["person", "next_day"] = Field(
        "person", description="who ends a halt for the day's loss"
    )


class StrategyLimits(Section):
    max_weight: Weight | None = Field(None, description="of the account's equity, in sum")
    max_gross: Amount | None = Field(None, description="sum of |notional|, account currency")
    max_positions: Count | None = Field(None, description="instruments held or being bought")
    max_open_orders: Count | None = Field(None, description="orders at the venue or on their way")
    max_daily_loss: Fraction | None = Field(None, description="of its first equity of the day")
    max_drawdown: Fraction | None = Field(None, description="from its peak since re-arming")
    on_breach: Action = Field("flatten", description="what a breach of its losses does")


class TotalLimits(Section):
    max_leverage: Multiple | None = Field(None, description="gross / equity of all accounts")
    max_gross: Amount | None = Field(None, description="sum of |notional| of all accounts")
    max_net: Amount | None = Field(None, description="|sum of signed notional| of all accounts")
    max_daily_loss: Fraction | None = Field(None, description="of the day's first equity of all")
    max_drawdown: Fraction | None = Field(None, description="from the peak of all since re-arming")
    on_breach: Action = Field("flatten", description="what a breach does, on every account")

    @property
    def is_set(self) -> bool:
        """Whether other accounts matter to one account's orders."""
        return any(value is not None for key, value in self if key not in MANNERS)


class InstrumentLimits(Section):
    max_weight: Weight | None = Field(None, description="of equity, either side")
    max_notional: Amount | None = Field(None, description="account currency")
    max_quantity: Amount | None = Field(None, description="base units or contracts")
    max_open_orders: Count | None = Field(None, description="orders at the venue or on their way")
    max_orders_per_day: Count | None = Field(None, description="orders sent in a day")
    max_missed_bars: Count | None = Field(
        None, description="bars that may fail to come before its price is stale"
    )
    max_quote_age: Duration | None = Field(
        None, description="age of the best quotes, like 60s; needs prices between bars"
    )
    hours: Hours | None = Field(
        None, description="when it may be increased, like mon-fri 09:30-16:00, in the zone of day"
    )


class OrderLimits(Section):
    max_notional: Amount | None = Field(None, description="account currency")
    max_quantity: Amount | None = Field(None, description="base units or contracts")
    max_weight: Weight | None = Field(None, description="of equity")
    price_band: Fraction | None = Field(None, description="distance from the last price")
    max_volume_share: Fraction | None = Field(
        None, description="of the mean volume of the last 20 bars"
    )
    fat_finger: Multiple | None = Field(
        None, description="times the largest of the instrument's last 100 orders"
    )
    max_per_second: Count | None = Field(None, description="orders sent")
    max_per_minute: Count | None = Field(None, description="orders sent")


class ExecutionLimits(Section):
    max_reject_rate: Fraction | None = Field(
        None, description="share of the last 20 orders that the venue refused"
    )
    max_slippage: Fraction | None = Field(
        None, description="mean of the last 20 fills against the price decided on"
    )
    on_breach: Action = Field("reduce_only", description="what a breach does")
    pause: Duration = Field(3_600_000, description="how long reduce_only then lasts, like 1h")


class Rule(Section):
    name: str = Field(min_length=1, max_length=60, description="how it is called in reports")
    when: When = Field(description="an expression over the account and its prices")
    then: Then = Field(description="what happens while it is true")


Limits = AccountLimits | StrategyLimits | TotalLimits | InstrumentLimits | OrderLimits
_S = TypeVar("_S", bound=Section)


class RiskSettings(Section):
    """Limits a person sets. What is absent limits nothing; there are no hidden defaults."""

    account: AccountLimits = AccountLimits()
    strategy: StrategyLimits = StrategyLimits()
    total: TotalLimits = TotalLimits()
    instrument: InstrumentLimits = InstrumentLimits()
    order: OrderLimits = OrderLimits()
    execution: ExecutionLimits = ExecutionLimits()
    accounts: dict[str, AccountLimits] = Field({}, description="by name, in place of `account`")
    strategies: dict[str, StrategyLimits] = Field({}, description="by name, in place of `strategy`")
    instruments: dict[str, InstrumentLimits] = Field(
        {}, description="by symbol, in place of `instrument`"
    )
    protections: tuple[Protection, ...] = Field((), description="pauses after bad trades")
    rules: tuple[Rule, ...] = Field((), description="rules in the expression language")
    day: Zone = Field(
        "UTC", description="time zone whose midnight begins the day of max_daily_loss (R28)"
    )

    @model_validator(mode="after")
    def _consistent(self) -> RiskSettings:
        for fault in self.contradictions():
            raise ValueError(fault)
        return self

    def contradictions(self) -> Iterator[str]:
        """Sentences about limits that cannot both be meant."""
        order = self.order
        if (order.max_per_second or 0) > (order.max_per_minute or math.inf):
            yield (
                f"order.max_per_second {order.max_per_second} is more than "
                f"order.max_per_minute {order.max_per_minute}"
            )
        for name, section in (("account", self.account), *_named("accounts", self.accounts)):
            if section.max_net and section.max_gross and section.max_net > section.max_gross:
                yield f"{name}.max_net {section.max_net} is more than max_gross {section.max_gross}"
        for name, count in Counter(rule.name for rule in self.rules).items():
            if count > 1:
                yield f"{count} rules are called {name!r}: name them apart"
        for name in self.instruments:
            yield from _not_a_symbol(name)

    def of_account(self, account: AccountId) -> AccountLimits:
        """The limits of one account: its own where it has them, else those of all."""
        return _own(self.account, self.accounts.get(account))

    def of_strategy(self, strategy: StrategyId) -> StrategyLimits:
        """The limits of one strategy."""
        return _own(self.strategy, self.strategies.get(strategy))

    def of_instrument(self, symbol: Symbol) -> InstrumentLimits:
        """The limits of one instrument."""
        if not self.instruments:
            return self.instrument
        return _own(self.instrument, self.instruments.get(str(symbol)))

    def history_bars(self) -> int:
        """How many closes and volumes of an instrument its rules look back at."""
        longest = 20 if self.order.max_volume_share is not None else 1
        conditions = (parse_condition(rule.when) for rule in self.rules)
        return max([longest, *(condition.history_bars for condition in conditions)])

    def beyond_fast_driver(self) -> tuple[str, ...]:
        """Keys in force that the fast driver cannot hold: such a run needs the full one."""
        return tuple(sorted({f"risk.{key}" for key in self._set_keys() if key not in _FAST_KEYS}))

    def watches(self) -> bool:
        """Whether anything is judged between orders: losses, margin, execution, rules, pauses."""
        names = [key.rpartition(".")[2] for key in self._set_keys()]
        return any(name in _WATCHED for name in names)

    def live_only(self) -> tuple[str, ...]:
        """Keys and rules in force that need prices between bars: a backtest cannot hold them."""
        keys = [
            f"risk.{section}.{name}"
            for section, name in sorted(_LIVE_ONLY)
            if getattr(getattr(self, section), name) is not None
        ]
        named = [
            f"risk.instruments.{symbol}.max_quote_age"
            for symbol, own in sorted(self.instruments.items())
            if own.max_quote_age
        ]
        rules = [
            f"risk.rules {rule.name}" for rule in self.rules if parse_condition(rule.when).live_only
        ]
        return (*keys, *named, *rules)

    def without_live_only(self) -> RiskSettings:
        """The same without what needs prices between bars, for a backtest, which says so."""
        plain = {"max_quote_age": None}
        return self.model_copy(
            update={
                "instrument": self.instrument.model_copy(update=plain),
                "instruments": {
                    symbol: own.model_copy(update=plain) for symbol, own in self.instruments.items()
                },
                "rules": tuple(
                    rule for rule in self.rules if not parse_condition(rule.when).live_only
                ),
            }
        )

    def _set_keys(self) -> Iterator[str]:
        for name in ("account", "strategy", "total", "instrument", "order", "execution"):
            yield from _in_force(name, getattr(self, name))
        for name in ("accounts", "strategies", "instruments"):
            for own, section in getattr(self, name).items():
                yield from _in_force(f"{name}.{own}", section)
        for name in ("protections", "rules"):
            if getattr(self, name):
                yield name


_FAST_KEYS = frozenset(".".join(key) for key in HELD_BY_FAST_DRIVER)


def action_of(rule: Rule) -> tuple[str, Any]:
    """The action of a rule and its scale, None but for `scale`."""
    return ("scale", rule.then.scale) if isinstance(rule.then, Scale) else (rule.then, None)


def _own(general: _S, own: _S | None) -> _S:
    if own is None:
        return general
    return general.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


def _in_force(name: str, section: Section) -> Iterator[str]:
    for key, value in vars(section).items():
        if value is not None and key not in MANNERS:
            yield f"{name}.{key}"


def _named(section: str, named: dict[str, AccountLimits]) -> Iterator[tuple[str, AccountLimits]]:
    for name, limits in named.items():
        yield f"{section}.{name}", limits


def _not_a_symbol(name: str) -> Iterator[str]:
    from algotrader.core.errors import UsageError

    try:
        Symbol.parse(name)
    except UsageError as error:
        yield f"instruments: {error.message}"
