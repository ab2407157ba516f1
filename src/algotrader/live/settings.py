"""The sections `trading`, `accounts` and `strategies` of algotrader.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from algotrader.core.errors import UsageError
from algotrader.core.loopback import LOOPBACK
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.core.units import parse_fraction, parse_number
from algotrader.risk.kinds import Duration

NAME = r"^[a-z][a-z0-9_-]{0,31}$"
SECRET_NAME = r"^[A-Z][A-Z0-9_]{0,63}$"  # noqa: S105
"""The name of a secret, which is never its value."""


def _timeframe(text: str) -> str:
    try:
        return str(Timeframe.parse(text))
    except UsageError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


def _symbol(text: str) -> str:
    try:
        return str(Symbol.parse(text))
    except UsageError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


def _number(value: str | float) -> float:
    return float(parse_number(value))


def _fraction(value: str | float) -> float:
    return float(parse_fraction(value))


def _moment(value: object) -> object:
    """YAML reads 2024-01-31 as a date of its own."""
    return value.isoformat() if isinstance(value, date) else value


Number = Annotated[float, BeforeValidator(_number)]
Fraction = Annotated[float, BeforeValidator(_fraction)]
TimeframeText = Annotated[str, AfterValidator(_timeframe)]
Moment = Annotated[str, BeforeValidator(_moment)]


class Section(BaseModel):
    """A part of the file: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TradingSettings(Section):
    """How this workspace trades."""

    mode: Literal["paper", "sandbox", "live"] = Field(
        "paper",
        description="paper: the kernel fills; sandbox: an exchange that takes no real order; "
        "live: real orders, which need --confirm-live too",
    )
    url: str | None = Field(
        None, description="a look-alike exchange on this machine, or another host of OKX's"
    )
    rate_limits: bool = Field(
        True, description="false: ask a look-alike at `url` as often as we like"
    )
    check_s: Annotated[Number, Field(ge=0.1, le=60)] = Field(
        30.0, description="seconds between questions for what an exchange's streams left out"
    )
    data: Literal["replay", "live"] = Field(
        "replay",
        description="of mode paper: the lake's bars at any speed, or bars as the venue closes them",
    )
    start: Moment | None = Field(
        None, description="first decision of a replay, ISO date; absent: when warm-ups end"
    )
    end: Moment | None = Field(
        None, description="end of a replay, not included; absent: the last bar"
    )
    stop_within: Duration = Field(
        10_000, description="a position without its live stop for longer is left (R19)"
    )
    without_stop: Literal["exit", "tell"] = Field(
        "exit", description="what is done then: sell it, or tell you and go on trying"
    )
    cash_wait: Duration = Field(
        10_000, description="increases wait so long for the cash of reductions (R11)"
    )
    at_exit: Literal["keep", "cancel"] = Field(
        "keep",
        description="orders that add to positions, when you end the trader: keep them at the venue "
        "for the next start, or cancel them; positions and their stops stay in both cases",
    )
    budget_s: Annotated[Number, Field(gt=0, le=60)] = Field(
        2.0, description="seconds a strategy has for a decision, then it is stopped"
    )
    memory_mb: Annotated[Number, Field(ge=100)] = Field(
        1_500.0,
        description="MB that the trader, and its worker, may use: you are told at 70 %, at 90 % "
        "the one that does starts anew between two steps",
    )

    @model_validator(mode="after")
    def _real_keys_go_to_the_venue_alone(self) -> TradingSettings:
        if self.mode == "live" and self.url is not None and not _is_trusted(self.url):
            raise ValueError(
                "url: with mode live it must be of this machine, or https on a host of okx.com"
            )
        return self

    @model_validator(mode="after")
    def _limits_of_the_venue_hold(self) -> TradingSettings:
        if not self.rate_limits and not _is_of_this_machine(self.url or ""):
            raise ValueError("rate_limits: false is for a url of this machine: OKX counts calls")
        return self


def _is_trusted(url: str) -> bool:
    """Whether a real key may be used there."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_of_this_machine(url):
        return True
    return parts.scheme == "https" and (host == "okx.com" or host.endswith(".okx.com"))


def _is_of_this_machine(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


class AccountSettings(Section):
    """One account. Its orders, limits and books are apart from those of the others."""

    currency: str = Field("USDT", description="of its cash (R26)")
    cash: Annotated[Number, Field(gt=0)] = Field(
        10_000.0, description="what a paper account begins with"
    )
    margin: Literal["cash", "cross", "isolated"] = Field(
        "cash", description="cash borrows nothing; perpetuals need cross or isolated (R23)"
    )
    by_hand: Literal["leave", "adopt"] = Field(
        "leave",
        description="what the venue holds beside ours, and what a person trades there: leave it "
        "alone, or adopt it for the strategy of its instrument",
    )
    keys: Annotated[str, Field(pattern=SECRET_NAME)] = Field(
        "ALGOTRADER_OKX",
        description="name of its API key: the secrets NAME_KEY, NAME_SECRET, NAME_PASSPHRASE",
    )


class StrategySettings(Section):
    """One strategy on one account."""

    use: str = Field(description="a file, FILE:Class, or a name of `algotrader strategy ls`")
    account: Annotated[str, Field(pattern=NAME)] = Field("main", description="one of `accounts`")
    symbols: tuple[Annotated[str, AfterValidator(_symbol)], ...] = Field(
        min_length=1, description="what it trades, VENUE:CODE"
    )
    timeframe: TimeframeText = Field(description="length of the bars it decides on")
    parameters: Mapping[str, float | int | str | bool] = Field(
        {}, description="values of its parameters; absent: the class's own"
    )
    share: Annotated[Fraction, Field(gt=0, le=1)] = Field(
        1.0, description="of the account's deposits that is its own (R27)"
    )
    execution: Literal["market", "capped", "twap", "chase"] | None = Field(
        None,
        description="how targets are worked (R13): twap in equal parts, chase at the best price, "
        "both inside the cap; absent: as the venue needs",
    )
    work_for: Duration = Field(
        600_000, description="of twap and chase: then the rest is taken at the cap"
    )
    slices: int = Field(10, gt=0, le=1_000, description="parts of twap")
    chase_every: Duration = Field(5_000, description="of chase: between looks at the best price")
