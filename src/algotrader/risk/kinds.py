"""The kinds of values that limits have, and how each is written in algotrader.yaml."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from algotrader.core.units import parse_duration_ms, parse_fraction, parse_number
from algotrader.risk.hours import parse_hours
from algotrader.risk.language.parser import parse_condition

Action = Literal["warn", "reduce_only", "halt", "flatten"]


class Section(BaseModel):
    """A part of the settings: no unknown keys, never changed in place."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; write it like UTC or Asia/Shanghai")
    return ZoneInfo(name).key


_UNITS: Final = (
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
)


def _duration(value: object) -> int:
    return parse_duration_ms(str(value))


def written(length_ms: int) -> str:
    """A length of time as it stands in the file: `10s`, `4h`."""
    unit, length = next((each for each in _UNITS if length_ms % each[1] == 0), ("ms", 1))
    return f"{length_ms // length}{unit}"


def _hours(text: str) -> str:
    parse_hours(text)
    return text


def _condition(text: str) -> str:
    parse_condition(text)
    return text


def _then(value: object) -> object:
    if value in get_args(Action) or (isinstance(value, dict) and set(value) == {"scale"}):
        return value
    raise ValueError("use warn, reduce_only, halt, flatten, or {scale: 0.5}")


class Scale(Section):
    scale: Annotated[Decimal, BeforeValidator(parse_fraction), Field(ge=0, le=1)] = Field(
        description="targets are multiplied by this while the rule is true"
    )


Amount = Annotated[Decimal, BeforeValidator(parse_number), Field(gt=0)]
Fraction = Annotated[Decimal, BeforeValidator(parse_fraction), Field(gt=0, le=1)]
Reserve = Annotated[Decimal, BeforeValidator(parse_fraction), Field(ge=0, lt=1)]
Change = Annotated[Decimal, BeforeValidator(parse_fraction), Field(gt=-1)]
Weight = Annotated[Decimal, BeforeValidator(parse_fraction), Field(gt=0, le=10)]
Multiple = Annotated[Decimal, BeforeValidator(parse_number), Field(gt=0, le=125)]
Ratio = Annotated[Decimal, BeforeValidator(parse_fraction), Field(gt=1)]
Count = Annotated[int, Field(gt=0)]
Duration = Annotated[  # written 4h, kept in ms
    int, BeforeValidator(_duration), Field(gt=0), PlainSerializer(written, when_used="json")
]
Hours = Annotated[str, AfterValidator(_hours)]
Zone = Annotated[str, AfterValidator(_zone)]
When = Annotated[str, Field(min_length=1), AfterValidator(_condition)]
Then = Annotated[Action | Scale, BeforeValidator(_then)]
