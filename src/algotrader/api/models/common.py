"""Shapes that every route shares."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

Ms = Annotated[int, Field(description="UTC milliseconds", examples=[1_767_225_600_000])]
Amount = Annotated[str, Field(description="decimal text, exact", examples=["10250.75"])]
AccountName = Annotated[str, Field(description="of `accounts`", examples=["main"])]
StrategyName = Annotated[str, Field(description="of `strategies`", examples=["trend"])]
SymbolText = Annotated[str, Field(description="VENUE:CODE", examples=["OKX:BTC/USDT"])]


class Shape(BaseModel):
    """What the API gives."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Wish(BaseModel):
    """What a client sends: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorBody(Shape):
    code: str = Field(description="stable, for programs", examples=["access.signed_out"])
    message: str = Field(description="what was wrong, and where", examples=["nobody is signed in"])
    hint: str | None = Field(description="what helps", examples=["sign in, or send a token"])


class Refusal(Shape):
    """Every answer that is no success."""

    error: ErrorBody


class Page(Shape, Generic[T]):
    """Part of a list, the newest first."""

    items: list[T]
    next: str | None = Field(
        description="the cursor of the next page; null at the end", examples=["MTIzNA"]
    )
    total: int | None = Field(
        None, description="how many there are; null where counting would cost too much"
    )


Reason = Annotated[
    str,
    Field(
        "asked by hand",
        max_length=500,
        description="kept in the journal",
        examples=["news at 14:00"],
    ),
]
