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

    Uses the strategy source, parameters, data request and settings kept with the run. Exit code 1
    if a number differs, and it says whether the data or the program changed since.

    \b
    algotrader rerun 7f3a19c2
    algotrader rerun 7f3a --json
    """
    from algotrader.cli.main import FINDING

    workspace = workspace_of(out.config)
    record, folder = stored(workspace, run)
    made = again(record, folder, workspace).record
    same_data = made.data_hash == record.data_hash
    equal = made.result_hash == record.result_hash
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
        for name in changed:
            console.print(f"  {name} was {record.versions.get(name)}, is {made.versions[name]}")

    out.show(
        {
            "run": record.run,
            "equal": equal,
            "result_hash": {"then": record.result_hash, "now": made.result_hash},
            "data_changed": not same_data,
            "versions_changed": changed,
        },
        lines,
    )
    if not equal:
        raise typer.Exit(FINDING)
