"""Market data: instruments, the catalogue, completeness, bars for charts."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec
import numpy as np
from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool

from algotrader.api.features import Shown, drawn
from algotrader.api.models.research import (
    BarColumns,
    DayShare,
    FeatureColumns,
    FormingRow,
    InstrumentRow,
    SeriesDetail,
    SeriesRow,
    WatchRow,
)
from algotrader.api.serving import Served, Serving, Stands, Viewer, error_answers, is_live
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import Instrument
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data import sample
from algotrader.data.forming import read_forming
from algotrader.engine.state import EngineState

router = APIRouter(tags=["data"], responses=error_answers(401, 403))
SymbolQuery = Annotated[str, Query(max_length=80, examples=["US:AAPL"])]
SeriesName = Annotated[str, Query(max_length=40, pattern=r"^[a-z0-9-]+$", examples=["1h"])]


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


@router.get("/forming", summary="The bars that are still open")
async def forming(serving: Served, _: Viewer) -> list[FormingRow]:
    """As the trader's feed last told them, about once a second; live by topic `market.forming`."""
    if not is_live(serving.configuration):
        return []
    folder = serving.configuration.path(serving.configuration.settings.workspace.live)
    found = await run_in_threadpool(read_forming, folder)
    return [FormingRow(**msgspec.to_builtins(one)) for one in found]


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
    name: SeriesName,
) -> SeriesDetail:
    found: dict[str, Any] = await run_in_threadpool(serving.market.detail, symbol, name)
    return SeriesDetail.model_validate(found)


@router.get(
    "/data/days", summary="A month of a series day by day", responses=error_answers(404, 409, 422)
)
async def days(
    serving: Served,
    _: Viewer,
    symbol: SymbolQuery,
    name: SeriesName,
    month: Annotated[str, Query(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$", examples=["2024-05"])],
) -> list[DayShare]:
    """Within the series' own first and last bar; days on which its market is shut are left out."""
    found = await run_in_threadpool(serving.market.days, symbol, name, month)
    return [DayShare(**one) for one in found]


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


@router.get(
    "/strategies/{name}/features", summary="What a strategy computes, at the bars of a chart",
    responses=error_answers(404, 409, 422, 503),
)  # fmt: skip
async def strategy_features(
    serving: Served,
    state: Stands,
    _: Viewer,
    name: Annotated[str, Path(examples=["trend"])],
    symbol: SymbolQuery,
    timeframe: Annotated[str, Query(max_length=10, description="of the chart", examples=["1d"])],
    begin: Annotated[int | None, Query(ge=0, le=2**52, description="UTC ms")] = None,
    end: Annotated[int | None, Query(ge=0, le=2**52, description="UTC ms, not included")] = None,
    points: Annotated[int, Query(ge=10, le=20_000, description="as asked of `/bars`")] = 2_000,
) -> FeatureColumns:
    """By the code that decides, in a process of its own, with the parameters in force."""
    live = is_live(serving.configuration)
    columns = await serving.features.columns(name, state, is_live=live)
    end = _seen_by(serving, state, symbol, end)
    frame = Timeframe.parse(serving.configuration.settings.strategies[name].timeframe)

    def made() -> FeatureColumns:
        bars = serving.market.bars(symbol, timeframe, begin, end, points)
        ts = np.array(bars["ts"], np.int64)
        ends = int(ts[-1]) + Timeframe.parse(timeframe).ms * bars["merged"] if len(ts) else 0
        shown = Shown(ts, ends, np.array(bars["close"], np.float64))
        return FeatureColumns.model_validate({
            "strategy": name, "symbol": symbol, "timeframe": str(frame), "ts": bars["ts"],
            "features": drawn(columns, str(Symbol.parse(symbol)), frame, shown),
        })  # fmt: skip

    return await run_in_threadpool(made)


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
