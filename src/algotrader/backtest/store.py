"""Runs on disk: what was asked, what came of it, and enough to do it again bit for bit.

`runs/<id>/` holds `run.json`, `strategy.py` (the source as it was), `trades.csv`, `report.html`, and
`log.jsonl` where the strategy logged something. The id names the inputs: the same run again lands
in the same folder with the same content.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from algotrader import __version__, _kernel
from algotrader.backtest.loading import DataRequest
from algotrader.backtest.run import RunResult
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.errors import RunError, UsageError
from algotrader.core.hashing import array_hash, content_hash
from algotrader.strategy.loader import LoadedStrategy
from algotrader.strategy.parameters import ParameterValue

ID_DIGITS = 8
_TRIES = 100  # to take a place that equal runs take in the same moment
RECORD_FILE = "run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The inputs of a run and the hash of its numbers: what `rerun` compares."""

    run: str
    strategy: str
    origin: str
    source_hash: str
    parameters: dict[str, ParameterValue]
    data: DataRequest
    settings: BacktestSettings
    data_hash: str
    result_hash: str
    versions: dict[str, str]
    risk: dict[str, Any] | None = None  # held by the full driver; None: a run by the fast one


def record_of(loaded: LoadedStrategy, result: RunResult, request: DataRequest) -> RunRecord:
    """Name a run by its inputs, and hash what came out."""
    inputs = {
        "strategy": loaded.name,
        "source": loaded.source_hash,
        "parameters": result.strategy.values,
        "data": result.market.provenance.data_hash,
        "range": [request.start, request.end, request.adjust],
        "symbols": [str(symbol) for symbol in result.market.bars.symbols],
        # What the lake knows of them, fees, lots and margin, decides the result too.
        "instruments": [repr(one) for one in result.market.instruments],
        "settings": asdict(result.settings),
        "version": __version__,
    }
    risk = None if result.risk is None else result.risk.model_dump(mode="json")
    if risk is not None:
        inputs["risk"] = risk
    fills = result.simulation.fills
    return RunRecord(
        run=content_hash(inputs)[:ID_DIGITS],
        strategy=loaded.name,
        origin=loaded.origin,
        source_hash=loaded.source_hash,
        parameters=result.strategy.values,
        data=request,
        settings=result.settings,
        data_hash=result.market.provenance.data_hash,
        result_hash=array_hash(
            result.simulation.equity,
            result.simulation.cash,
            fills.row,
            fills.quantity,
            fills.price,
            fills.fee,
        ),
        versions={
            "algotrader": __version__,
            "kernel": _kernel.__version__,
            "numpy": np.__version__,
        },
        risk=risk,
    )


class RunStore:
    """The runs of a workspace."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, run: str) -> Path:
        return self._folder / run

    def save(self, record: RunRecord, files: dict[str, bytes]) -> Path:
        """Write a run's folder whole or not at all; a folder of the same name is replaced."""
        content = {**files, RECORD_FILE: msgspec.json.format(msgspec.json.encode(record), indent=2)}
        target = self.path(record.run)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=f".{record.run}-", dir=self._folder))
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        try:
            for name, data in content.items():
                with (aside / name).open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            _put(aside, target)
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise _unwritable(target, error) from error
        return target

    def load(self, run: str) -> RunRecord:
        """The record of a run, by its id or an unambiguous beginning of it."""
        matches = list(self._folder.glob(f"{_plain(run)}*/{RECORD_FILE}"))
        if len(matches) != 1:
            known = ", ".join(self.list())
            raise UsageError(
                "run.unknown" if not matches else "run.ambiguous",
                f"no run is called {run}"
                if not matches
                else f"{len(matches)} runs begin with {run}",
                hint=f"the runs of this workspace are: {known or 'none yet'}",
            )
        try:
            return msgspec.json.decode(matches[0].read_bytes(), type=RunRecord)
        except msgspec.MsgspecError as error:
            raise UsageError(
                "run.damaged", f"{matches[0]} cannot be read: {error}", hint="run it again"
            ) from error

    def list(self) -> list[str]:
        """Ids of the finished runs; folders of a killed run begin with a dot."""
        return sorted(path.parent.name for path in self._folder.glob(f"[!.]*/{RECORD_FILE}"))


def _put(aside: Path, target: Path) -> None:
    """Put a finished folder in its place; the one that was there goes only once it stands.

    Equal runs that end at once take the same place, one after the other: the last one stands.
    """
    before = aside.with_name(f"{aside.name}.before")
    for left in reversed(range(_TRIES)):
        with suppress(FileNotFoundError):
            target.rename(before)
        try:
            aside.rename(target)
            break
        except OSError as error:
            if left and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                shutil.rmtree(before, ignore_errors=True)  # an equal run took the place between
                continue
            if before.exists():
                before.rename(target)
            raise
    shutil.rmtree(before, ignore_errors=True)


def refuse_folder(path: Path) -> None:
    """UsageError where a file to be written is named by its folder alone."""
    if path.is_dir():
        raise UsageError(
            "usage.folder", f"{path} is a folder", hint=f"name a file: {path / 'report.html'}"
        )


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. RunError on a full disk or a missing right."""
    refuse_folder(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):  # what could not be written may not be removable either
            aside.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def _plain(run: str) -> str:
    if not run.isalnum():
        raise UsageError("run.malformed", f"{run!r} is no run id", hint="an id looks like 7f3a19c2")
    return run


def _unwritable(path: Path, error: OSError) -> RunError:
    return RunError(
        "disk.unwritable",
        f"{path} cannot be written: {error.strerror or error}",
        hint="free some space or check the rights; nothing half-written was left behind",
    )


def as_json(value: Any) -> Any:
    """Plain JSON values of a record, for `--json`."""
    return msgspec.to_builtins(value)
