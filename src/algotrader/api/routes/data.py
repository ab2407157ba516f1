"""Market data: instruments, the catalogue, completeness, bars for charts."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from algotrader.api.models.research import (
    BarColumns,
    InstrumentRow,
    SeriesDetail,
    SeriesRow,
    WatchRow,
)
from algotrader.api.serving import Served, Serving, Stands, Viewer, error_answers, is_live
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import Instrument
from algotrader.core.symbols import Symbol
from algotrader.data import sample
from algotrader.engine.state import EngineState

router = APIRouter(tags=["data"], responses=error_answers(401, 403))
SymbolQuery = Annotated[str, Query(max_length=80, examples=["US:AAPL"])]


@router.get("/instruments", summary="What is traded, or could be looked at")
async def instruments(serving: Served, state: Stands, _: Viewer) -> list[InstrumentRow]:
    """Those of the desk with their rules; then series of the lake and of the bundled sample."""
    return await run_in_threadpool(_instruments, serving, state)


def _instruments(serving: Serving, state: EngineState | None) -> list[InstrumentRow]:
    held = {} if state is None else dict(state.settings.instruments)
    rows = [_traded(serving, state, one) for one in held.values() if state is not None]
    others = {Symbol.parse(one["symbol"]) for one in serving.market.series()} | set(sample.files())
    return rows + [_untraded(serving, symbol) for symbol in sorted(others - set(held))]


def _untraded(serving: Serving, symbol: Symbol) -> InstrumentRow:
    return InstrumentRow(
        symbol=str(symbol), kind=symbol.kind.value, base=symbol.base, quote=symbol.quote,
        tick="0", lot="0", price_digits=None, quantity_digits=8, mark=None, frozen=None,
        timeframes=serving.market.timeframes(symbol), traded=False,
    )  # fmt: skip


def _traded(serving: Serving, state: EngineState | None, one: Instrument) -> InstrumentRow:
    assert state is not None
    mark = state.mark(one.symbol)
    symbol = one.symbol
    return InstrumentRow(
        symbol=str(symbol), kind=symbol.kind.value, base=symbol.base, quote=symbol.quote,
        tick=str(one.tick), lot=str(one.lot), price_digits=_digits(one.tick) if one.tick else None,
        quantity_digits=_digits(one.lot), mark=None if mark is None else str(mark),
        frozen=state.frozen.get(symbol), timeframes=serving.market.timeframes(symbol), traded=True,
    )  # fmt: skip


def _digits(step: Decimal) -> int:
    """After the point, as many as a step has."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@router.get("/watch", summary="Last prices, change of the day, shut markets")
async def watch(serving: Served, state: Stands, _: Viewer) -> list[WatchRow]:
    """What is traded first; then every series of the lake and of the bundled sample."""
    found = await run_in_threadpool(
        serving.watching.rows, state, is_live=is_live(serving.configuration),
        now_ms=utc_ms(serving.clock.now()),
    )  # fmt: skip
    return [WatchRow(**one) for one in found]


@router.get("/data/series", summary="Every series of the lake")
async def data_series(serving: Served, _: Viewer) -> list[SeriesRow]:
    """Range, coverage and grade, from the manifests."""
    return [SeriesRow(**row) for row in await run_in_threadpool(serving.market.series)]


@router.get(
    "/data/completeness", summary="A series month by month, and its gaps",
    responses=error_answers(404, 409, 422),
)  # fmt: skip
async def completeness(
    serving: Served,
    _: Viewer,
    symbol: SymbolQuery,
    name: Annotated[str, Query(max_length=40, pattern=r"^[a-z0-9-]+$", examples=["1h"])],
) -> SeriesDetail:
    found: dict[str, Any] = await run_in_threadpool(serving.market.detail, symbol, name)
    return SeriesDetail.model_validate(found)


@router.get("/bars", summary="Bars for a chart", responses=error_answers(404, 409, 422))
async def bars(
    serving: Served,
    state: Stands,
    _: Viewer,
    symbol: SymbolQuery,
    timeframe: Annotated[str, Query(max_length=10, examples=["1d"])],
    begin: Annotated[int | None, Query(ge=0, le=2**52, description="UTC ms")] = None,
    end: Annotated[int | None, Query(ge=0, le=2**52, description="UTC ms, not included")] = None,
    points: Annotated[int, Query(ge=10, le=20_000, description="at most so many candles")] = 2_000,
) -> BarColumns:
    """Down-sampled here: whole bars are merged, so no high or low is lost.

    Of a replay no bar is given that the desk has not seen.
    """
    end = _seen_by(serving, state, symbol, end)
    found: dict[str, Any] = await run_in_threadpool(
        serving.market.bars, symbol, timeframe, begin, end, points
    )
    return BarColumns.model_validate(found)


def _seen_by(
    serving: Serving, state: EngineState | None, symbol: str, end: int | None
) -> int | None:
    """Where bars end: with the newest slice of a replay that trades the instrument."""
    if state is None or is_live(serving.configuration) or not state.slices:
        return end
    if Symbol.parse(symbol) not in state.settings.instruments:
        return end
    last = max(one.decision_ts for one in state.slices.values())
    return last if end is None else min(end, last)
