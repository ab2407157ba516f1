"""What the trader and a strategy worker say to each other, through a pipe.

Each message is four bytes of length, then msgpack. Arrays travel as their bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import FIELDS, Bars
from algotrader.core.events import Asked, DecisionOutcome, StrategyLine, TargetWanted
from algotrader.core.events.codec import decode_symbol, encode_symbol
from algotrader.core.events.questions import StrategyQuestion
from algotrader.core.instruments import Instrument
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe

LENGTH_BYTES: Final = 4
LONGEST: Final = 1 << 30
"""A message longer than this is none of ours."""


class PanelSent(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of bars, (T, N)."""

    symbols: tuple[str, ...]
    timeframe: str
    close_only: bool
    ts: bytes  # int64
    known_at: bytes
    session: bytes | None
    values: Mapping[str, bytes]  # float64 by field
    funding: bytes | None = None


class Load(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Take a strategy on, with the history it decides on."""

    name: str
    use: str  # file, FILE:Class, or registered name
    parameters: Mapping[str, Any]
    instruments: tuple[Instrument, ...]
    history: PanelSent
    has_decided: bool  # before this start; else its schedule begins with the first question
    source: str | None = None  # the text that was accepted; None: as `use` has it now
    modules: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Texts, by path, of the person's own modules that a worker before this one read."""


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """New rows, if there are any, and the decision wanted at the last of them."""

    name: str
    decision_ts: int
    rows: PanelSent | None
    question: StrategyQuestion | None = None  # for one that decides bar by bar


class Loaded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The strategy is ready, or why it is not."""

    name: str
    error: str | None = None
    source: str | None = None  # the text that decides now
    modules: Mapping[str, str] = msgspec.field(default_factory=dict)  # read since the last message


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a strategy decided, or what it raised."""

    name: str
    decision_ts: int
    outcome: DecisionOutcome
    wanted: tuple[TargetWanted, ...] = ()
    is_scheduled: bool = True
    state: Mapping[str, Any] = msgspec.field(default_factory=dict)
    error: str | None = None
    asked: tuple[Asked, ...] = ()
    lines: tuple[StrategyLine, ...] = ()
    caught_up: tuple[int, ...] = ()  # opens of the bars it was fed before, UTC ms (R24)
    modules: Mapping[str, str] = msgspec.field(default_factory=dict)  # read since the last message


ToWorker = Load | Ask
FromWorker = Loaded | Answer


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=encode_symbol)
_TO_WORKER: Final = msgspec.msgpack.Decoder(ToWorker, dec_hook=decode_symbol)
_FROM_WORKER: Final = msgspec.msgpack.Decoder(FromWorker, dec_hook=decode_symbol)


def framed(message: ToWorker | FromWorker) -> bytes:
    body = _ENCODER.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def to_worker(body: bytes) -> ToWorker:
    message: ToWorker = _TO_WORKER.decode(body)
    return message


def from_worker(body: bytes) -> FromWorker:
    """msgspec.ValidationError for what is no message: the other side is broken."""
    message: FromWorker = _FROM_WORKER.decode(body)
    return message


def sent(bars: Bars) -> PanelSent:
    panel = bars.as_panel()
    return PanelSent(
        symbols=tuple(str(symbol) for symbol in panel.symbols),
        timeframe=str(panel.timeframe),
        close_only=panel.close_only,
        ts=panel.ts.tobytes(),
        known_at=panel.known_at.tobytes(),
        session=None if panel.session is None else panel.session.tobytes(),
        values={name: getattr(panel, name).tobytes() for name in FIELDS},
        funding=None if panel.funding is None else panel.funding.tobytes(),
    )


def received(panel: PanelSent) -> Bars:
    symbols = tuple(Symbol.parse(text) for text in panel.symbols)
    values = {name: wide(data, len(symbols)) for name, data in panel.values.items()}
    return Bars(
        ts=np.frombuffer(panel.ts, dtype=np.int64),
        known_at=np.frombuffer(panel.known_at, dtype=np.int64),
        session=None if panel.session is None else np.frombuffer(panel.session, dtype=np.int64),
        timeframe=Timeframe.parse(panel.timeframe),
        symbols=symbols,
        panel=True,
        close_only=panel.close_only,
        funding=None if panel.funding is None else wide(panel.funding, len(symbols)),
        **values,
    )


def wide(data: bytes, columns: int) -> NDArray[np.float64]:
    """Values (T, N) as they were sent."""
    return np.frombuffer(data, dtype=np.float64).reshape(-1, columns)
