"""The section `jobs` of algotrader.yaml: what is done, and when."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from algotrader.core.errors import AlgotraderError, UsageError
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from algotrader.live.settings import Number, Section, TimeframeText

_UNITS: Final = {"s": 1_000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_SHORTEST_S: Final = 10
Kind = Literal["collect", "check", "features", "backtest", "daily_summary", "command"]


def _symbol(text: str) -> str:
    try:
        return str(Symbol.parse(text))
    except UsageError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is no time zone; write UTC, Europe/Berlin or Asia/Shanghai") from error
    return name


def _cron(text: str) -> str:
    from algotrader.ops.scheduling.timetable import parsed_cron

    parsed_cron(text, "UTC")
    return text


def _seconds(value: Any) -> Any:
    """`90`, `15m`, `6h` or `1d` as seconds."""
    text = str(value).strip()
    if text[-1:] in _UNITS and text[:-1].isdigit():
        return int(text[:-1]) * _UNITS[text[-1]] // 1_000
    return value


def _calendar(name: str) -> str:
    from algotrader.core.calendars import load_calendar

    try:
        load_calendar(name)
    except AlgotraderError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error
    return name


class JobSettings(Section):
    """One job. Exactly one of `cron`, `every` and `bar_close` says when it is due."""

    do: Kind = Field(
        description="collect, check, features, backtest, daily_summary, or a command of yours"
    )
    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        None, description="minute hour day month weekday, in `timezone`: `30 6 * * mon-fri`"
    )
    every: Annotated[int, BeforeValidator(_seconds), Field(ge=_SHORTEST_S)] | None = Field(
        None, description="an interval from midnight UTC on: 15m, 6h, 1d, or seconds"
    )
    bar_close: TimeframeText | None = Field(
        None, description="after each close of bars of this length, by `calendar`"
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="of `cron`")
    calendar: Annotated[str, AfterValidator(_calendar)] = Field(
        "24/7", description="of `bar_close`: 24/7, XNYS, XSHG, CNF:rb"
    )
    delay_s: Annotated[Number, Field(ge=0, le=86_400)] = Field(
        0.0, description="seconds after `bar_close`, for the bars to arrive"
    )
    missed: Literal["once", "skip"] = Field(
        "once", description="times missed while nothing ran: run once for all of them, or not"
    )
    grace_s: Annotated[Number, Field(ge=0)] = Field(
        3_600.0, description="seconds after which a missed time is too old to be made up for"
    )
    timeout_s: Annotated[Number, Field(gt=0)] = Field(
        3_600.0, description="seconds after which it is ended, and counts as failed"
    )
    use: str | None = Field(None, description="of features and backtest: the strategy")
    symbols: tuple[Annotated[str, AfterValidator(_symbol)], ...] = Field(
        (), description="on which; absent for collect: all of `collect`; for check: the whole lake"
    )
    timeframe: TimeframeText | None = Field(None, description="length of the bars")
    arguments: tuple[str, ...] = Field(
        (), description="further ones of the command; for `command`, program and arguments"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        times = [name for name in ("cron", "every", "bar_close") if getattr(self, name) is not None]
        if len(times) != 1:
            told = " and ".join(times) if times else "none"
            raise ValueError(f"say when by one of cron, every and bar_close, not {told}")
        if self.do in ("features", "backtest") and self.use is None:
            raise ValueError(f"{self.do} needs `use`: the strategy")
        if self.do == "features" and not self.symbols:
            raise ValueError("features needs `symbols`")
        if self.do == "command" and not self.arguments:
            raise ValueError("command needs `arguments`: the program and its arguments")
        return self
