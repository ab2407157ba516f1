"""A paper account that fills as a backtest of the same market and settings does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from algotrader.backtest.kernel_input import instruments_of, panel_of, settings_of, traded
from algotrader.backtest.market import Market
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.ids import AccountId
from algotrader.core.money import Currency
from algotrader.execution.paper import PaperVenue
from algotrader.execution.paper_terms import paper_terms
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


def _from_row(panel: Panel, first: int) -> Panel:
    cut = {name: values[first:] for name in _ROWS if (values := getattr(panel, name)) is not None}
    return replace(panel, **cut)
