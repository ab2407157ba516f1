"""Work in processes of their own: backtests, sweeps, walk-forward, downloads, repairs, checks."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from algotrader.api.access import Caller
from algotrader.api.errors import not_found
from algotrader.api.models.records import WorkDetail, WorkRow
from algotrader.api.models.research import (
    BacktestWish,
    CheckWish,
    DownloadWish,
    RepairWish,
    StrategyCheckWish,
    SweepWish,
    WalkForwardWish,
)
from algotrader.api.serving import Served, Serving, Trader, Viewer, error_answers
from algotrader.ops.works import Work

router = APIRouter(tags=["work"], responses=error_answers(401, 403, 429))


@router.get("/works", summary="What was started from here")
async def works(serving: Served, _: Viewer) -> list[WorkRow]:
    """The newest first."""
    return [_row(serving, one) for one in serving.works.all()]


@router.get("/works/{work}", summary="One work, and its result", responses=error_answers(404))
async def work_detail(serving: Served, _: Viewer, work: str) -> WorkDetail:
    if work not in serving.works:
        raise not_found("work", work)
    result = await run_in_threadpool(serving.works.result, work)
    said = await run_in_threadpool(serving.works.says, work)
    return WorkDetail(work=_row(serving, serving.works[work]), says=said, result=result)


@router.delete("/works/{work}", summary="Cancel a work", responses=error_answers(404))
async def cancel_work(serving: Served, caller: Trader, work: str) -> WorkRow:
    """Nothing for one that is over; what it had finished stays."""
    if work not in serving.works:
        raise not_found("work", work)
    found = serving.works.cancel(work)
    serving.access.note(caller, "cancel work", f"{found.kind} {work}")
    return _row(serving, found)


@router.post(
    "/backtests", summary="Run a backtest", status_code=202, responses=error_answers(404, 422)
)
async def start_backtest(serving: Served, caller: Trader, wish: BacktestWish) -> WorkRow:
    """It becomes a run: see `/runs`. Follow it by `/works/{id}`, or by the topic `system.work`."""
    more = _options(
        {
            "engine": wish.engine, "cash-buffer": wish.cash_buffer, "work-for": wish.work_for,
            "slices": wish.slices,
        }
    )  # fmt: skip
    return _begin(serving, caller, "backtest", [*_research(serving, wish), *more])


@router.post(
    "/sweeps", summary="Try many parameter sets", status_code=202,
    responses=error_answers(404, 422),
)  # fmt: skip
async def start_sweep(serving: Served, caller: Trader, wish: SweepWish) -> WorkRow:
    """Stopped or killed, the same again goes on where it was."""
    return _begin(
        serving, caller, "sweep", [*_research(serving, wish), *_ranges(wish), "--workers=1"]
    )


@router.post(
    "/walkforwards", summary="Choose on the past, trade what follows, again and again",
    status_code=202, responses=error_answers(404, 422),
)  # fmt: skip
async def start_walkforward(serving: Served, caller: Trader, wish: WalkForwardWish) -> WorkRow:
    more = _options(
        {
            "train-days": wish.train_days, "test-days": wish.test_days,
            "embargo-days": wish.embargo_days,
        }
    )  # fmt: skip
    more += ["--anchored"] if wish.anchored else []
    words = [*_research(serving, wish), *_ranges(wish), *more, "--workers=1"]
    return _begin(serving, caller, "walkforward", words)


@router.post(
    "/data/downloads", summary="Fetch bars that are missing", status_code=202,
    responses=error_answers(422),
)  # fmt: skip
async def start_download(serving: Served, caller: Trader, wish: DownloadWish) -> WorkRow:
    words = ["download", *wish.symbols, f"--timeframe={wish.timeframe}", *_base_url(serving)]
    words += _options({"since": wish.since})
    return _begin(serving, caller, "data", words)


@router.post(
    "/data/repairs", summary="Refill the gaps of a series", status_code=202,
    responses=error_answers(422),
)  # fmt: skip
async def start_repair(serving: Served, caller: Trader, wish: RepairWish) -> WorkRow:
    words = ["repair", wish.symbol, *_options({"timeframe": wish.timeframe}), *_base_url(serving)]
    words += ["--again"] if wish.again else []
    return _begin(serving, caller, "data", words)


@router.post(
    "/data/checks", summary="Look for faults in the data", status_code=202,
    responses=error_answers(422),
)  # fmt: skip
async def start_check(serving: Served, caller: Trader, wish: CheckWish) -> WorkRow:
    words = ["check", *([wish.symbol] if wish.symbol else [])]
    return _begin(serving, caller, "data", [*words, *_options({"timeframe": wish.timeframe})])


@router.post(
    "/strategy-checks", summary="Look for look-ahead in a strategy", status_code=202,
    responses=error_answers(404, 422),
)  # fmt: skip
async def start_strategy_check(serving: Served, caller: Trader, wish: StrategyCheckWish) -> WorkRow:
    """`findings` is the end of one that found something; its result lists them."""
    words = [serving.files.require(wish.strategy), *(f"--symbol={one}" for one in wish.symbols)]
    return _begin(serving, caller, "check", [*words, *_options({"timeframe": wish.timeframe})])


@router.post("/parity", summary="Compare what was traded with a backtest", status_code=202)
async def start_parity(serving: Served, caller: Trader) -> WorkRow:
    """Replays the journal, then runs its range on today's data. The result names each difference."""
    return _begin(serving, caller, "parity", [])


def _begin(serving: Serving, caller: Caller, command: str, words: list[str]) -> WorkRow:
    kind = words[0] if command == "data" else command
    work = serving.works.begin(kind, [command, *words], caller.name)
    serving.access.note(caller, "start work", f"{kind} {work.id}", after=shlex.join(work.command))
    return _row(serving, work)


def _research(serving: Serving, wish: BacktestWish | SweepWish) -> list[str]:
    words = [serving.files.require(wish.strategy)]
    words += [f"--symbol={symbol}" for symbol in wish.symbols]
    words += [f"--set={name}={_text(value)}" for name, value in wish.parameters.items()]
    words += ["--allow-gaps"] if wish.allow_gaps else []
    return words + _options(
        {
            "timeframe": wish.timeframe, "start": wish.start, "end": wish.end, "cash": wish.cash,
            "fees": wish.fees, "slippage-bps": wish.slippage_bps, "path": wish.path,
            "execution": wish.execution, "max-leverage": wish.max_leverage,
            "leverage": wish.leverage, "adjust": wish.adjust, "seed": wish.seed,
        }
    )  # fmt: skip


def _ranges(wish: SweepWish) -> list[str]:
    ranges = [f"--range={name}={text}" for name, text in wish.ranges.items()]
    limits = ["--without-limits"] if wish.without_limits else []
    return [*ranges, *limits, *_options({"sets": wish.sets})]


def _options(values: Mapping[str, object]) -> list[str]:
    """`--name=value`: in one word, so that no value is taken for an option of its own."""
    return [f"--{name}={_text(value)}" for name, value in values.items() if value is not None]


def _base_url(serving: Serving) -> list[str]:
    settings = serving.configuration.settings
    return _options({"base-url": settings.collect.url or settings.trading.url})


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def plain_work(work: Work) -> dict[str, Any]:
    """What listeners are told of a work that changed."""
    return {"id": work.id, "kind": work.kind, "state": work.state.value, "error": work.error}


def _row(serving: Serving, work: Work) -> WorkRow:
    progress = serving.works.progress(work.id)
    result = serving.works.result(work.id) if work.is_over else None
    named = result if isinstance(result, dict) else {}
    return WorkRow.model_validate(
        {
            "id": work.id, "kind": work.kind, "by": work.by, "asked": work.asked_ms,
            "command": shlex.join(["algotrader", *work.command]), "started": work.started_ms,
            "ended": work.ended_ms, "state": work.state.value, "error": work.error,
            "done": None if progress is None else progress[0],
            "total": None if progress is None else progress[1],
            "run": _id(named.get("run")), "sweep": _id(named.get("sweep")),
            "walkforward": _id(named.get("walkforward")),
        }
    )  # fmt: skip


def _id(value: object) -> str | None:
    return value if isinstance(value, str) else None
