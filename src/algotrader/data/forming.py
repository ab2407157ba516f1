"""The bar that is still open, for who looks: never for who decides (R1).

A feed pushes it about once a second. It is kept in memory and written to a small file, whole, at
most once a second, so that a console in another process can draw it. Nothing reads it back to trade.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from algotrader.core.timeframes import Timeframe
from algotrader.data.live_bars import RawBar

log = logging.getLogger(__name__)

FILE: Final = "forming.json"
_EVERY_S: Final = 1.0
_LONGEST: Final = 1_000_000


class FormingBar(msgspec.Struct, frozen=True, kw_only=True):
    """A bar as it stands. Volume in the unit of orders."""

    symbol: str
    timeframe: str
    ts: int  # its open, UTC ms, the venue's clock
    open: float
    high: float
    low: float
    close: float
    volume: float
    heard_ms: int  # UTC ms, ours


class FormingBars:
    """The newest of each series. `run` writes them for as long as it runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bars: dict[tuple[str, str], FormingBar] = {}
        self._is_new = False

    def take(self, bar: RawBar, timeframe: Timeframe, heard_ms: int) -> None:
        opened, high, low, close, volume = bar.values
        self._bars[str(bar.instrument), str(timeframe)] = FormingBar(
            symbol=str(bar.instrument), timeframe=str(timeframe), ts=bar.ts, open=opened, high=high,
            low=low, close=close, volume=volume, heard_ms=heard_ms,
        )  # fmt: skip
        self._is_new = True

    async def run(self) -> None:
        """For ever. A disk that takes nothing is nobody's loss but the looker's."""
        while True:
            await asyncio.sleep(_EVERY_S)
            if self._is_new:
                self._is_new = False
                bars = list(self._bars.values())
                try:
                    await asyncio.to_thread(write_forming, self._folder, bars)
                except OSError as error:
                    log.debug("the open bars cannot be kept: %s", error.strerror)


def write_forming(folder: Path, bars: list[FormingBar]) -> None:
    """Whole or not at all. OSError if the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{FILE}.{os.getpid()}"
    try:
        unfinished.write_bytes(msgspec.json.encode(bars))
        unfinished.replace(folder / FILE)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def read_forming(folder: Path) -> list[FormingBar]:
    """Those that were written last; none where there is no file, or none this build can read."""
    file = folder / FILE
    try:
        if file.stat().st_size > _LONGEST:
            return []
        return msgspec.json.decode(file.read_bytes(), type=list[FormingBar])
    except (OSError, msgspec.MsgspecError):
        return []
