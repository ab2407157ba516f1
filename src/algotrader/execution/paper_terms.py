"""What a paper account is simulated with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from algotrader.core.ids import AccountId
from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency
from algotrader.execution.simulation import Panel, SimulatedInstrument, SimulationSettings

MARKS: Final = ("mark_open", "mark_high", "mark_low", "mark_close")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTerms:
    """What a paper account is simulated with. `ts` are the opens of all bars to come, UTC ms."""

    account: AccountId
    currency: Currency
    instruments: tuple[Instrument, ...]  # in the order of their symbols' text (R1)
    simulated: tuple[SimulatedInstrument, ...]
    settings: SimulationSettings
    ts: NDArray[np.int64]  # (T,)
    timeframe_ms: int
    session: NDArray[np.int64] | None = None  # (T,)
    marks: Mapping[str, NDArray[np.float64]] | None = None  # `mark_open` and so on, (T, N) each
    funding_ts: NDArray[np.int64] | None = None
    funding_instrument: NDArray[np.int64] | None = None
    funding_rate: NDArray[np.float64] | None = None
    volume_known: bool = True  # False: what traded limits nothing (R20)


def paper_terms(
    account: AccountId,
    currency: Currency,
    instruments: Sequence[Instrument],
    simulated: Sequence[SimulatedInstrument],
    settings: SimulationSettings,
    panel: Panel,
    *,
    volume_known: bool = True,
) -> PaperTerms:
    """Terms for bars whose stamps, sessions, marks and funding are known: a replay."""
    return PaperTerms(
        account=account,
        currency=currency,
        instruments=tuple(instruments),
        simulated=tuple(simulated),
        settings=settings,
        ts=panel.ts,
        timeframe_ms=panel.timeframe_ms,
        session=panel.session,
        marks={name: values for name in MARKS if (values := getattr(panel, name)) is not None},
        funding_ts=panel.funding_ts,
        funding_instrument=panel.funding_instrument,
        funding_rate=panel.funding_rate,
        volume_known=volume_known,
    )
