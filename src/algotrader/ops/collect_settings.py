"""The section `collect` of algotrader.yaml: which bars are kept, and from where."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from algotrader.core.errors import UsageError
from algotrader.core.symbols import Symbol
from algotrader.live.settings import Moment, Number, Section, TimeframeText


def _symbol(text: str) -> str:
    try:
        return str(Symbol.parse(text))
    except UsageError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


class SeriesSettings(Section):
    """Bars of one length of some instruments."""

    symbols: tuple[Annotated[str, AfterValidator(_symbol)], ...] = Field(
        min_length=1, description="VENUE:CODE of each"
    )
    timeframe: TimeframeText = Field(description="length of the bars")
    since: Moment | None = Field(
        None, description="first bar wanted, ISO date; absent: `collect.history_days` ago"
    )


class RecordSettings(Section):
    """What is kept of the venue's own streams, for research. It grows by some GB a month."""

    trades: bool = Field(False, description="each execution of others")
    quotes: bool = Field(False, description="best bid and ask at each change")
    books_every_s: Annotated[Number, Field(ge=0.1, le=3_600)] | None = Field(
        None, description="seconds between whole books; absent: none is kept"
    )
    depth: Annotated[int, Field(ge=1, le=400)] = Field(25, description="levels of each side")
    write_s: Annotated[Number, Field(ge=1, le=3_600)] = Field(
        60.0, description="seconds between writes: what a power cut may lose"
    )

    @property
    def is_on(self) -> bool:
        return self.trades or self.quotes or self.books_every_s is not None


class CollectSettings(Section):
    """Bars and funding as the venue closes them, into the lake."""

    series: tuple[SeriesSettings, ...] = Field(
        (), description="what is collected; absent: what the strategies trade"
    )
    embedded: bool = Field(
        True, description="`algotrader trade` on live bars keeps what it trades on in the lake"
    )
    url: str | None = Field(
        None, description="a look-alike exchange; absent: that of `trading.url`, else the venue"
    )
    second_url: str | None = Field(
        None, description="another address of the venue, asked while the first does not answer"
    )
    history_days: Annotated[int, Field(ge=1, le=10_000)] = Field(
        30, description="how far back a series begins that is not in the lake yet"
    )
    streams: bool = Field(True, description="by WebSocket, and by asking; false: by asking alone")
    funding: bool = Field(True, description="settled funding rates of perpetuals as well")
    record: RecordSettings = Field(
        RecordSettings(), description="trades, quotes and books of what is collected"
    )
    delay_s: Annotated[Number, Field(ge=0, le=600)] = Field(
        0.0, description="seconds after a close before a slice is complete, and jobs at it run"
    )
    grace_s: Annotated[Number, Field(ge=0, le=600)] = Field(
        10.0, description="seconds a slice waits for bars that are late (R3)"
    )
