"""The `risk` section of algotrader.yaml: limits per account, instrument and order, and rules."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from algotrader.core.units import parse_fraction, parse_number

Amount = Annotated[Decimal, BeforeValidator(parse_number), Field(gt=0)]
Fraction = Annotated[Decimal, BeforeValidator(parse_fraction), Field(gt=0, le=1)]
Weight = Annotated[Decimal, BeforeValidator(parse_fraction), Field(gt=0, le=10)]
Multiple = Annotated[Decimal, BeforeValidator(parse_number), Field(gt=0, le=125)]
Action = Literal["warn", "reduce_only", "halt", "flatten"]
HELD_BY_FAST_DRIVER = {
    ("account", "max_leverage"),
    ("instrument", "max_weight"),
    ("instrument", "max_notional"),
}


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; write it like UTC or Asia/Shanghai")
    return ZoneInfo(name).key


def _then(value: object) -> object:
    if value in get_args(Action) or (isinstance(value, dict) and set(value) == {"scale"}):
        return value
    raise ValueError("use warn, reduce_only, halt, flatten, or {scale: 0.5}")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountLimits(_Section):
    max_leverage: Multiple | None = Field(None, description="sum of |weights| of equity (R12)")
    max_daily_loss: Fraction | None = Field(None, description="of the day's first equity (R28)")
    max_drawdown: Fraction | None = Field(None, description="from the peak since re-arming (R28)")
    on_breach: Action = Field("flatten", description="what a breach of these limits does")


class InstrumentLimits(_Section):
    max_weight: Weight | None = Field(None, description="of equity, either side")
    max_notional: Amount | None = Field(None, description="account currency")
    max_quantity: Amount | None = Field(None, description="base units or contracts")


class OrderLimits(_Section):
    max_notional: Amount | None = Field(None, description="account currency")
    price_band: Fraction | None = Field(None, description="distance from the last price")
    max_per_second: int | None = Field(None, gt=0, description="orders sent")
    max_per_minute: int | None = Field(None, gt=0, description="orders sent")


class Scale(_Section):
    scale: Fraction = Field(description="targets are multiplied by this while the rule is true")


class Rule(_Section):
    name: str = Field(min_length=1, description="how the rule is called in reports")
    when: str = Field(min_length=1, description="an expression over the account and its prices")
    then: Annotated[Action | Scale, BeforeValidator(_then)] = Field(
        description="what happens while it is true"
    )


class RiskSettings(_Section):
    """Limits a person sets. What is absent limits nothing; there are no hidden defaults."""

    account: AccountLimits = AccountLimits()
    instrument: InstrumentLimits = InstrumentLimits()
    order: OrderLimits = OrderLimits()
    rules: tuple[Rule, ...] = Field((), description="rules in the expression language")
    day: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="time zone whose midnight begins the day of max_daily_loss (R28)"
    )

    def beyond_fast_driver(self) -> tuple[str, ...]:
        """Keys in force that the fast driver cannot hold: such a run needs the full one."""
        return tuple(sorted(self._set_keys()))

    def _set_keys(self) -> Iterator[str]:
        for section in ("account", "instrument", "order"):
            for name, value in getattr(self, section):
                limits = name not in ("on_breach",) and value is not None
                if limits and (section, name) not in HELD_BY_FAST_DRIVER:
                    yield f"risk.{section}.{name}"
        if self.rules:
            yield "risk.rules"
