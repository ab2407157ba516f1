"""A paper account that fills as a backtest of the same market and settings does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.kernel_input import instruments_of, panel_of, settings_of, traded
from algotrader.backtest.market import Market
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.calendars import load_calendar
from algotrader.core.ids import AccountId
from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency
from algotrader.core.symbols import InstrumentKind
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.execution.paper import PaperVenue
from algotrader.execution.paper_terms import PaperTerms, paper_terms
from algotrader.execution.simulation import Panel
from algotrader.strategy.base import Strategy

_ROWS = ("ts", "open", "high", "low", "close", "volume", "session", "schedule",
         "mark_open", "mark_high", "mark_low", "mark_close")  # fmt: skip


def paper_venue(
    account: AccountId, market: Market, settings: BacktestSettings, *, first: int = 0
) -> PaperVenue:
    """A venue for the rows of `market` from `first` on, flat, with the cash of `settings`."""
    nobody = Strategy()  # what a strategy wants is the engine's business, not the venue's
    # What the engine has decided is not decided again: the venue has no limits of ours.
    plain = replace(
        settings_of(nobody, settings, close_only=market.bars.close_only),
        max_weight=np.inf, max_notional=np.inf,
    )  # fmt: skip
    return PaperVenue(
        paper_terms(
            account,
            Currency(market.instruments[0].settle),
            [traded(instrument, settings) for instrument in market.instruments],
            instruments_of(market, settings, 1.0),
            plain,
            _from_row(panel_of(market, nobody, first), first),
            volume_known=market.provenance.volume_known,
        )
    )


def live_paper_venue(
    account: AccountId, market: Market, settings: BacktestSettings, ts: NDArray[np.int64]
) -> PaperVenue:
    """A venue for bars that are still to come: their opens `ts` (T,), UTC ms, ascending.

    Funding may settle at every full hour, at a rate that is told by `PaperVenue.settle`; untold it
    is 0. Liquidation is judged on the bars' own prices: marks of bars to come are not known (R23).
    """
    plain = replace(
        settings_of(Strategy(), settings, close_only=False),
        max_weight=np.inf, max_notional=np.inf,
    )  # fmt: skip
    instruments = tuple(traded(instrument, settings) for instrument in market.instruments)
    frame = market.bars.timeframe
    stamps, columns = _hours(ts, frame, instruments)
    return PaperVenue(
        PaperTerms(
            account=account,
            currency=Currency(instruments[0].settle),
            instruments=instruments,
            simulated=tuple(instruments_of(market, settings, 1.0)),
            settings=plain,
            ts=ts,
            timeframe_ms=frame.ms,
            session=load_calendar(instruments[0].calendar).session_ids(ts, frame),
            funding_ts=stamps if stamps.size else None,
            funding_instrument=columns if stamps.size else None,
            funding_rate=np.zeros(stamps.size) if stamps.size else None,
            volume_known=market.provenance.volume_known,
        )
    )


def _hours(
    ts: NDArray[np.int64], timeframe: Timeframe, instruments: Sequence[Instrument]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every full hour from the first bar on, once for each perpetual."""
    perpetuals = [
        column for column, one in enumerate(instruments) if one.kind is InstrumentKind.PERPETUAL
    ]
    first = -(-int(ts[0]) // HOUR_MS) * HOUR_MS
    hours = np.arange(first, int(ts[-1]) + timeframe.ms, HOUR_MS, dtype=np.int64)
    return (
        np.repeat(hours, len(perpetuals)),
        np.tile(np.array(perpetuals, dtype=np.int64), len(hours)),
    )


def _from_row(panel: Panel, first: int) -> Panel:
    cut = {name: values[first:] for name in _ROWS if (values := getattr(panel, name)) is not None}
    return replace(panel, **cut)
