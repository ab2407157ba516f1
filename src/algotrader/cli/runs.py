"""What the commands about stored runs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from algotrader.backtest.complete import Completed, judged_run
from algotrader.backtest.store import RunRecord, RunStore
from algotrader.backtest.workspace import Workspace
from algotrader.cli import options as opt
from algotrader.cli.output import Output
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.loader import LoadedStrategy, load_file

Run = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, or its beginning.")]


def workspace_of(config: Path | None) -> Workspace:
    return opt.resolve(opt.Asked(), config, engine=None).workspace


def stored(workspace: Workspace, run: str) -> tuple[RunRecord, Path]:
    """A run's record and folder. UsageError names the runs there are."""
    store = RunStore(workspace.runs)
    record = store.load(run)
    return record, store.path(record.run)


def as_it_was(record: RunRecord, folder: Path) -> LoadedStrategy:
    """The strategy of a run from the source that was kept with it."""
    return load_file(folder / "strategy.py", record.strategy)


def again(record: RunRecord, folder: Path, workspace: Workspace) -> Completed:
    """Do a run again from its record: same source, parameters, data and settings.

    What is stored stays as it is: a run that comes out otherwise today is still the run it was.
    """
    loaded = as_it_was(record, folder)
    strategy = loaded.kind(**record.parameters)
    risk = None if record.risk is None else RiskSettings.model_validate(record.risk)
    result, made, judged = judged_run(
        loaded, strategy, record.data, record.settings, workspace, risk=risk
    )
    return Completed(
        result=result, record=made, judged=judged, paths=None, checked=None, folder=folder
    )


def note_otherwise(out: Output, record: RunRecord, made: RunRecord) -> None:
    """Say so where what is shown is not what was stored under a run's name."""
    if made.result_hash != record.result_hash:
        out.note(
            f"△ run {record.run} comes out otherwise today than it was stored: shown is today's. "
            f"algotrader rerun {record.run} says what changed"
        )
