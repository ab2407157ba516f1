"""A sweep: many parameter sets over one market, on every core, kept as they come.

Finished parts lie under `sweeps/<id>/parts/`; the id names the inputs, so the same sweep started
again goes on where it was stopped or killed. What the id cannot name, a module that the strategy's
file imports or a file that it reads, is looked for by doing a set of each part again.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from algotrader import __version__
from algotrader.backtest.evaluate import Evaluator, SetResult, common_first
from algotrader.backtest.loading import DataRequest
from algotrader.backtest.main_metrics import main_metrics
from algotrader.backtest.market import Market
from algotrader.backtest.returns import elapsed_years, tells_a_year
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.space import ParameterSet, SearchSpace, corners
from algotrader.backtest.store import write_file
from algotrader.core.errors import RunError, UsageError
from algotrader.core.hashing import content_hash
from algotrader.features.memo import memoised
from algotrader.strategy.loader import LoadedStrategy, load

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

SETS_A_PART = 50
PROBES = 32  # finished parts of which a set is done again before they are believed
MEMO_BYTES = 96 * 2**20  # of indicators that a worker remembers
_INLINE_WORK = 30_000_000  # set·bars below which starting workers costs more than it saves
_LARGEST_GRID = 200_000
OF_A_YEAR = ("annual_return", "calmar")
"""Figures that a run of a few days does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """What a sweep tries, and its id."""

    sweep: str
    loaded: LoadedStrategy
    sets: tuple[ParameterSet, ...]
    settings: BacktestSettings
    first: int  # row from which every set is judged


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """All sets. `metrics` has an array of shape (sets,) per name, NaN for a set that failed."""

    plan: SweepPlan
    market: Market
    days: NDArray[np.int64]  # (days,) open of each day's last bar
    returns: Floats  # (sets, days); 0 for a set that failed
    results: tuple[SetResult, ...]
    metrics: dict[str, Floats]

    @property
    def idle(self) -> NDArray[np.bool_]:
        """Sets, shape (sets,), that ran to the end and never traded."""
        flat = (self.metrics["trades"] == 0) & np.isnan(self.metrics["sharpe"])
        return np.asarray(self.succeeded & flat)

    @property
    def succeeded(self) -> NDArray[np.bool_]:
        return np.array([result.returns is not None for result in self.results])

    @property
    def best(self) -> int | None:
        """Row of the set with the highest Sharpe ratio; of equals the first."""
        sharpe = self.metrics["sharpe"]
        return int(np.nanargmax(sharpe)) if np.isfinite(sharpe).any() else None


def plan_sweep(
    loaded: LoadedStrategy,
    space: SearchSpace,
    market: Market,
    settings: BacktestSettings,
    *,
    request: DataRequest,
    count: int | None = None,
    start: int | None = None,
) -> SweepPlan:
    """The whole grid, or `count` sets of it drawn by the settings' seed."""
    if count is None and space.size > _LARGEST_GRID:
        raise UsageError(
            "sweep.too_large",
            f"the grid has {space.size:,} sets",
            hint="draw some of them: --sets 1000, or narrow it with --range name=low:high:step",
        )
    if count is not None and count < 1:
        raise UsageError("sweep.sets", f"--sets {count}: that tries nothing", hint="--sets 100")
    sets = tuple(space.grid() if count is None else space.sample(count, settings.seed))
    ends = [{**space.fixed, **corner} for corner in corners(space.values)]
    inputs = {
        "strategy": loaded.name,
        "source": loaded.source_hash,
        "sets": content_hash(list(sets)),
        "data": market.provenance.data_hash,
        "instruments": [
            repr(one) for one in market.instruments
        ],  # their fees and lots decide the result too
        "range": [request.start, request.end, request.adjust],
        "settings": asdict(settings),
        "version": __version__,
    }
    return SweepPlan(
        sweep=content_hash(inputs)[:8],
        loaded=loaded,
        sets=sets,
        settings=settings,
        first=common_first(loaded.kind, market, ends, start),
    )


def run_sweep(
    plan: SweepPlan,
    market: Market,
    folder: Path,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Evaluate every set that no finished part holds yet. `folder` is this sweep's own.

    KeyboardInterrupt leaves the finished parts; RunError if a worker was killed.
    """
    if workers is not None and workers < 1:
        raise UsageError(
            "sweep.workers",
            f"--workers {workers}: at least one process is needed",
            hint="--workers 1, or leave it out",
        )
    parts = _Parts(folder / "parts", len(plan.sets))
    evaluator = Evaluator(plan.loaded.kind, market, plan.settings, plan.first)
    if not _come_out_again(evaluator, plan, parts.probes()):
        parts.forget()
    missing = parts.missing()
    were_kept = len(missing) < parts.count
    done = len(plan.sets) - sum(len(part) for part in missing)
    if progress is not None:
        progress(done, len(plan.sets))
    for part, results, returns in _evaluated(plan, market, missing, workers):
        parts.write(part, results, returns)
        done += len(results)
        if progress is not None:
            progress(done, len(plan.sets))
    result = _gathered(plan, market, evaluator.days, parts.read_all(plan.sets))
    if not were_kept or result.best is None:
        return result
    best = result.best  # what is reported of all is never believed unseen
    if _come_out_again(evaluator, plan, [(best, result.results[best])]):
        return result
    parts.forget()
    return run_sweep(plan, market, folder, workers=workers, progress=progress)


def _come_out_again(
    evaluator: Evaluator, plan: SweepPlan, kept: Iterable[tuple[int, SetResult]]
) -> bool:
    """Whether sets give today what was kept of them, each with its row among all sets.

    Bits may differ where another machine did them; a change of code or data shows beyond that.
    """
    for row, before in kept:
        today = evaluator.evaluate(plan.sets[row])
        if (today.failure, today.trades) != (before.failure, before.trades):
            return False
        if today.returns is None or before.returns is None:
            continue
        if today.returns.shape != before.returns.shape or not np.allclose(
            today.returns, before.returns, rtol=1e-9, atol=1e-12
        ):
            return False
    return True


def _evaluated(
    plan: SweepPlan, market: Market, missing: list[range], workers: int | None
) -> Iterator[tuple[range, list[SetResult], Floats]]:
    """Each part with its results and their returns (sets, days), good until the next part."""
    count = (os.cpu_count() or 1) if workers is None else workers
    work = sum(len(part) for part in missing) * len(market.bars)
    if count == 1 or work < _INLINE_WORK or len(missing) < 2 or not _reloadable(plan.loaded):
        evaluator = Evaluator(plan.loaded.kind, market, plan.settings, plan.first)
        room = np.empty((SETS_A_PART, evaluator.days.size))
        with memoised(MEMO_BYTES):
            for part in missing:
                sets = [plan.sets[row] for row in part]
                yield part, evaluate_part(evaluator, sets, room), room[: len(part)]
        return
    yield from _in_workers(plan, market, missing, count)


def evaluate_part(
    evaluator: Evaluator, sets: Sequence[ParameterSet], returns: Floats
) -> list[SetResult]:
    """Each set's result; their daily returns fill the first rows of `returns` (sets, days)."""
    return [evaluator.evaluate(one, returns[row]) for row, one in enumerate(sets)]


def _in_workers(
    plan: SweepPlan, market: Market, missing: list[range], count: int
) -> Iterator[tuple[range, list[SetResult], Floats]]:
    """Spawned processes that read the market from one file; parts are handed out as they free up."""
    with tempfile.TemporaryDirectory(prefix="algotrader-sweep-") as shared:
        brief = Path(shared) / "brief.pickle"
        handed = (
            _reference(plan.loaded),
            plan.loaded.source_hash,
            market,
            plan.settings,
            plan.first,
        )
        brief.write_bytes(pickle.dumps(handed, protocol=5))
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(count, spawn, _begin, (str(brief),))
        try:
            waiting: dict[Future[tuple[list[SetResult], Floats]], range] = {}
            queue = iter(missing)
            while True:
                while len(waiting) < 2 * count and (part := next(queue, None)) is not None:
                    sets = [plan.sets[row] for row in part]
                    waiting[pool.submit(_work, sets)] = part
                if not waiting:
                    return
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    results, returns = future.result()
                    yield waiting.pop(future), results, returns
        except BrokenProcessPool as error:
            raise RunError(
                "sweep.worker_died",
                "a worker process was killed, perhaps for want of memory",
                hint="finished parts are kept: run the same command again, with fewer --workers",
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: Evaluator | None = None
_worker_memo: object = None


def _begin(brief: str) -> None:
    """Once in each worker: load the strategy and the market."""
    global _worker, _worker_memo
    reference, source_hash, market, settings, first = pickle.loads(Path(brief).read_bytes())  # noqa: S301 - written by our own parent a moment ago
    loaded = load(reference)
    if loaded.source_hash != source_hash:
        raise RunError(
            "sweep.strategy_changed",
            f"{reference} changed while the sweep was starting",
            hint="run the command again",
        )
    _worker = Evaluator(loaded.kind, market, settings, first)
    _worker_memo = memoised(MEMO_BYTES)
    _worker_memo.__enter__()  # for the life of the process


def _work(sets: Sequence[ParameterSet]) -> tuple[list[SetResult], Floats]:
    """Results without their returns, which are the rows of the array: sent home once."""
    if _worker is None:
        raise RuntimeError("the worker was not begun")
    returns = np.empty((len(sets), _worker.days.size))
    results = evaluate_part(_worker, sets, returns)
    return [replace(result, returns=None) for result in results], returns


def _reference(loaded: LoadedStrategy) -> str:
    return f"{loaded.origin}:{loaded.name}" if loaded.origin.endswith(".py") else loaded.name


def _reloadable(loaded: LoadedStrategy) -> bool:
    """Whether a worker can load it by itself; a class of a notebook cannot be."""
    if loaded.origin.endswith(".py"):
        return True
    from algotrader.strategy.loader import registered

    return registered().get(loaded.name) == loaded.origin


class _Parts:
    """Finished parts on disk, each written whole or not at all."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._all = [
            range(start, min(start + SETS_A_PART, count)) for start in range(0, count, SETS_A_PART)
        ]

    @property
    def count(self) -> int:
        return len(self._all)

    def missing(self) -> list[range]:
        return [part for part in self._all if self._read(part) is None]

    def forget(self) -> None:
        """Nothing of them is believed any more."""
        for part in self._all:
            self._path(part).unlink(missing_ok=True)

    def probes(self) -> Iterator[tuple[int, SetResult]]:
        """The set that traded most of each finished part, of many parts of some across all."""
        done = [part for part in self._all if self._path(part).exists()]
        places = np.unique(np.linspace(0, len(done) - 1, min(len(done), PROBES)).astype(np.int64))
        for place in places:
            part = done[place]
            if (content := self._read(part)) is not None:
                most = int(np.argmax(content["trades"]))
                yield part.start + most, _result(content, most, {})

    def write(self, part: range, results: Sequence[SetResult], returns: Floats) -> None:
        content = io.BytesIO()
        np.savez(
            content,
            returns=returns,
            final_equity=np.array([result.final_equity for result in results]),
            trades=np.array([result.trades for result in results], dtype=np.int64),
            fees=np.array([result.fees for result in results]),
            failures=np.array(
                [msgspec.json.encode([result.failure for result in results])], dtype=np.bytes_
            ),
        )
        write_file(self._path(part), content.getvalue())

    def read_all(self, sets: Sequence[ParameterSet]) -> list[SetResult]:
        results: list[SetResult] = []
        for part in self._all:
            content = self._read(part)
            if content is None:
                raise RunError("sweep.part_lost", f"{self._path(part)} vanished", hint="run again")
            results += [_result(content, place, sets[row]) for place, row in enumerate(part)]
        return results

    def _read(self, part: range) -> dict[str, NDArray[np.generic]] | None:
        path = self._path(part)
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as content:
                return dict(content)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            path.unlink(missing_ok=True)  # damaged: evaluate it again
            return None

    def _path(self, part: range) -> Path:
        return self._folder / f"{part.start:06d}.npz"


def _result(
    content: dict[str, NDArray[np.generic]], place: int, parameters: ParameterSet
) -> SetResult:
    """One set of a part as it was written."""
    failure = msgspec.json.decode(bytes(content["failures"][0]))[place]
    return SetResult(
        parameters=parameters,
        returns=None if failure is not None else np.asarray(content["returns"][place], np.float64),
        final_equity=float(content["final_equity"][place]),
        trades=int(content["trades"][place]),
        fees=float(content["fees"][place]),
        failure=failure,
    )


def _gathered(
    plan: SweepPlan, market: Market, days: NDArray[np.int64], results: list[SetResult]
) -> SweepResult:
    returns = np.zeros((len(results), len(days)))
    for row, result in enumerate(results):
        if result.returns is not None:
            returns[row] = result.returns
    failed = np.array([result.returns is None for result in results])
    ts = market.bars.ts[plan.first :]
    years = elapsed_years(ts, market.bars.timeframe.ms)
    metrics = dict(main_metrics(returns, market.periods_per_year, years=years))
    for values in metrics.values():
        values[failed] = np.nan
    if not tells_a_year(years):
        for name in OF_A_YEAR:
            metrics[name][metrics[name] != -1.0] = np.nan  # who lost all of it needs no year
    metrics["trades"] = np.array([result.trades for result in results], dtype=np.float64)
    metrics["fees"] = np.array([result.fees for result in results])
    metrics["final_equity"] = np.array([result.final_equity for result in results])
    return SweepResult(
        plan=plan,
        market=market,
        days=days,
        returns=returns,
        results=tuple(results),
        metrics=metrics,
    )


def results_frame(result: SweepResult) -> pl.DataFrame:
    """One row a set: its parameters, its metrics, and why it failed."""
    import polars as pl

    columns: dict[str, Sequence[object] | Floats] = {}
    for name in result.plan.sets[0]:
        columns[name] = [parameters[name] for parameters in result.plan.sets]
    columns |= result.metrics
    columns["failure"] = [item.failure for item in result.results]
    return pl.DataFrame(columns, strict=False)
