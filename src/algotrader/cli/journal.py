"""`algotrader journal show | verify | export | recover`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algotrader.cli.commands import TABLE, new_app
from algotrader.cli.output import Output, shown_path, with_output
from algotrader.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.live.journal.chain import Row
    from algotrader.live.journal.folder import JournalFolder
    from algotrader.live.journal.verifying import Verification

app = new_app(
    f"""{TABLE["journal"].help}

\b
algotrader journal show --last 50
algotrader journal verify
"""
)

Folder = Annotated[
    Path | None,
    typer.Option("--journal", metavar="FOLDER", help="Its folder; default: the workspace's."),
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Rows of this kind; repeatable.")]
From = Annotated[int, typer.Option("--from", metavar="SEQ", min=1, help="First row.")]
To = Annotated[int | None, typer.Option("--to", metavar="SEQ", min=1, help="Last row, included.")]


@app.command()
@with_output
def show(
    out: Output,
    journal: Folder = None,
    kind: Kinds = None,
    from_: From = 1,
    to: To = None,
    last: Annotated[
        int, typer.Option("--last", min=0, help="How many, newest last; 0 shows all.")
    ] = 20,
) -> None:
    """Show rows of the journal, each checked against the one before it.

    Also while the trader writes. On a screen bodies are cut to its width; a pipe, a file and
    --json get all of them. Writes nothing. Times are UTC.

    \b
    algotrader journal show --last 50
    algotrader journal show --kind OrderFilled --from 1000 --json
    """
    from algotrader.live.journal.showing import chosen, plain

    with _folder(out, journal).reading() as source:
        rows = list(chosen(source, from_seq=from_, to_seq=to, kinds=kind or (), last=last or None))

    def lines(console: Console) -> None:
        for row in rows:
            if console.is_terminal:
                console.print(
                    _line(row), no_wrap=True, overflow="ellipsis", soft_wrap=False, markup=False
                )
            else:  # what is searched by grep must be there
                console.print(_line(row), soft_wrap=True, markup=False)
        if not rows:
            console.print("no such row")

    out.show([plain(row) for row in rows] if out.json else None, lines)


@app.command()
@with_output
def verify(
    out: Output,
    journal: Folder = None,
    after: Annotated[
        int, typer.Option("--after", metavar="SEQ", min=0, help="Take rows up to here on trust.")
    ] = 0,
) -> None:
    """Check every row against the chain of hashes, and the end against the head kept aside.

    Finds rows that were altered, and a tail that was cut, which the database itself does not see.
    Exit code 1 if there is damage. Writes nothing; also while the trader writes.

    \b
    algotrader journal verify
    algotrader journal verify --journal backup/journal --json
    """
    from algotrader.live.journal.verifying import verify as verify_rows
    from algotrader.ops.exit_codes import FINDING

    folder = _folder(out, journal)
    with folder.reading() as source:
        found = verify_rows(source, after=after)
    out.show(_verification(found), lambda console: _print_verification(console, found, folder.path))
    if found.problem is not None:
        raise typer.Exit(FINDING)


@app.command()
@with_output
def export(
    out: Output,
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Where to; - is stdout.")],
    journal: Folder = None,
    kind: Kinds = None,
    from_: From = 1,
    to: To = None,
) -> None:
    """Write rows as lines of JSON: seq, time_ms, kind, body, hash.

    Each row is checked first: a damaged journal is exported up to the damage under the name
    FILE.jsonl.part, and the error says where it ends. FILE.jsonl is replaced if it is there.

    \b
    algotrader journal export journal.jsonl
    algotrader journal export - --kind OrderFilled | head
    """
    from algotrader.live.journal.showing import chosen, exported

    if str(file) == "-" and out.json:
        raise UsageError("usage.export", "--json and the lines cannot share standard output",
                         hint="algotrader journal export journal.jsonl --json")  # fmt: skip
    with _folder(out, journal).reading() as source:
        lines = exported(chosen(source, from_seq=from_, to_seq=to, kinds=kind or ()))
        if str(file) == "-":
            for line in lines:
                typer.echo(line, nl=False)
            return
        count = 0
        part = file.with_name(f"{file.name}.part")
        with part.open("wb") as written:
            for line in lines:
                written.write(line)
                count += 1
        part.replace(file)
    out.show(
        {"rows": count, "file": str(file)},
        lambda console: console.print(f"{count:,} rows in {shown_path(file)}"),
    )


@app.command()
@with_output
def recover(
    out: Output,
    journal: Folder = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, only say what it does.")
    ] = False,
) -> None:
    """Let a damaged journal go on with the rows before the damage.

    Sets the damaged files aside unchanged and writes what was lost into the journal. A backup, if
    there is a newer one, loses less. Orders and fills that are missing are then asked of the venue
    at the next start. Exit code 1 without --yes.

    \b
    algotrader journal recover
    algotrader journal recover --yes
    """
    from algotrader.core.instants import utc_ms
    from algotrader.core.ports import SystemClock
    from algotrader.live.journal.recovery import planned
    from algotrader.live.journal.recovery import recover as recover_journal
    from algotrader.ops.exit_codes import FINDING

    folder = _folder(out, journal)
    now_ms = utc_ms(SystemClock().now())
    done = recover_journal(folder, now_ms=now_ms) if yes else planned(folder, now_ms=now_ms)

    def lines(console: Console) -> None:
        keeps, loses = ("kept", "lost") if yes else ("would be kept", "would be lost")
        console.print(f"{done.problem}: rows up to {done.kept:,} {keeps}, {done.lost:,} {loses}")
        if yes:
            console.print(f"the damaged files are in {shown_path(folder.path / done.aside)}")
        else:
            console.print("nothing was changed; to do it: algotrader journal recover --yes")

    out.show({"done": yes, "problem": done.problem, "kept": done.kept, "lost": done.lost,
              "resumed": done.resumed, "aside": str(folder.path / done.aside)}, lines)  # fmt: skip
    if not yes:
        raise typer.Exit(FINDING)


def _folder(out: Output, journal: Path | None) -> JournalFolder:
    from algotrader.live.journal.folder import JournalFolder

    if journal is not None:
        return JournalFolder(journal)
    from algotrader.ops.config import load

    loaded = load(out.config, environment=os.environ)
    return JournalFolder(loaded.path(loaded.settings.workspace.journal))


def _line(row: Row) -> str:
    from algotrader.core.instants import utc_at

    return f"{row.seq:>9}  {utc_at(row.time_ms):%Y-%m-%d %H:%M:%S}  {row.kind:<23}  {_said(row)}"


_SHOWN_BEFORE = ("kind", "v", "ts_event", "ts_known")


def _said(row: Row) -> str:
    """What a row says, without what its line has said already."""
    from algotrader.live.journal.showing import plain_body

    body = plain_body(row.body)
    if not isinstance(body, dict):
        return str(body)
    return "  ".join(
        f"{key}={_brief(value)}"
        for key, value in body.items()
        if key not in _SHOWN_BEFORE and value not in (None, "", [], {})
    )


def _brief(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _verification(found: Verification) -> dict[str, Any]:
    problem = found.problem
    return {
        "rows": found.rows,
        "trusted": found.after,
        "kept": {"seq": found.kept.seq, "hash": found.kept.hash.hex()},
        "head": None
        if found.head is None
        else {"seq": found.head.seq, "hash": found.head.hash.hex()},
        "problem": None
        if problem is None
        else {**problem.as_dict(), "seq": problem.seq, "lost": problem.lost},
    }


def _print_verification(console: Console, found: Verification, folder: Path) -> None:
    problem = found.problem
    if problem is None:
        console.print(
            f"{shown_path(folder)}: whole, {found.rows:,} rows up to number {found.kept.seq:,}, "
            f"head {found.kept.hash.hex()[:16]}",
            soft_wrap=True,
        )
        return
    console.print(f"△ {problem.message}  ({problem.code})", soft_wrap=True)
    console.print(f"  {problem.hint}", soft_wrap=True)
