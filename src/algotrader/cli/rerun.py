"""`algotrader rerun`."""

from __future__ import annotations

import typer
from rich.console import Console

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.cli.runs import Run, again, stored, workspace_of

app = new_app()


@app.command()
@with_output
def rerun(out: Output, run: Run) -> None:
    """Do a run again and compare it bit for bit.

    Uses the strategy source, parameters, data request and settings kept with the run, and leaves
    what is stored as it is. Exit code 1 if a number differs, and it says what changed since.

    \b
    algotrader rerun 7f3a19c2
    algotrader rerun 7f3a --json
    """
    from algotrader.backtest.plain import RESULT_FILE, result_file
    from algotrader.backtest.store import write_file
    from algotrader.ops.exit_codes import FINDING

    workspace = workspace_of(out.config)
    record, folder = stored(workspace, run)
    done = again(record, folder, workspace)
    made = done.record
    same_data = made.data_hash == record.data_hash
    same_source = made.source_hash == record.source_hash
    equal = made.result_hash == record.result_hash
    if equal and not (folder / RESULT_FILE).exists():  # an older version kept the report alone
        write_file(folder / RESULT_FILE, result_file(done.result, record, done.judged))
    changed = sorted(n for n, v in made.versions.items() if record.versions.get(n) != v)

    def lines(console: Console) -> None:
        if equal:
            console.print(f"run {record.run}: equal bit for bit ({record.result_hash})")
            return
        console.print(
            f"△ run {record.run} differs: {record.result_hash} then, {made.result_hash} now"
        )
        if not same_data:
            console.print("  the data changed since: its hash is another")
        if not same_source:
            console.print(f"  {folder / 'strategy.py'} is not the source that ran")
        for name in changed:
            console.print(f"  {name} was {record.versions.get(name)}, is {made.versions[name]}")
        if same_data and same_source and not changed:
            console.print(
                "  bars, source and program are the same: what the lake knows of the "
                "instruments may have changed (fees, lots, margin)"
            )

    out.show(
        {
            "run": record.run,
            "equal": equal,
            "result_hash": {"then": record.result_hash, "now": made.result_hash},
            "data_changed": not same_data,
            "source_changed": not same_source,
            "versions_changed": changed,
        },
        lines,
    )
    if not equal:
        raise typer.Exit(FINDING)
