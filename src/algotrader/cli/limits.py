"""`algotrader limits`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from algotrader.ops.config import Configuration
    from algotrader.ops.limit_asking import LimitChange
    from algotrader.risk.settings import RiskSettings

app = new_app(
    """Show what limits hold and how much of each is used; change one.

\b
algotrader limits show
algotrader limits set account.max_daily_loss 2%
"""
)
Key = Annotated[str, typer.Argument(metavar="KEY", help="Such as account.max_daily_loss.")]
Value = Annotated[
    str, typer.Argument(metavar="VALUE", help="As in the file; `none` lifts it, `file` undoes.")
]
Reason = Annotated[str, typer.Option(help="Kept in the journal.")]
Confirm = Annotated[
    str | None, typer.Option("--confirm", metavar="KEY", help="Lets more happen: the key again.")
]


@app.command()
@with_output
def show(out: Output) -> None:
    """Show every limit in force, where it comes from, and how much of it is used.

    Read from the journal, also while the trader runs; before the first start, from the settings.

    \b
    algotrader limits show
    algotrader limits show --json
    """
    from algotrader.cli.desk_tables import configured, limit_text
    from algotrader.core.ids import AccountId
    from algotrader.ops.desk_rows import limit_rows
    from algotrader.ops.limit_asking import state_of

    configuration = configured(out)
    state = state_of(configuration)
    limits = configuration.settings.risk if state is None else state.risk.state.limits
    changed = {} if state is None else state.risk.state.changed
    accounts = [] if state is None else sorted(state.modes)
    rows = [
        {
            "key": key,
            "value": value,
            "from": "changed by hand" if key in changed else "the settings",
        }
        for key, value in _in_force(limits)
    ]
    used = {str(name): limit_rows(state, AccountId(name)) for name in accounts if state is not None}

    def lines(console: Console) -> None:
        for row in rows:
            console.print(f"{row['key']}: {row['value']}  ({row['from']})", markup=False)
        if not rows:
            console.print("no limit is set: nothing limits anything")
        for name, each in used.items():
            for one in each:
                taken, limit, left = (
                    limit_text(one[key], one["unit"]) for key in ("used", "limit", "left")
                )
                text = f"{one['rule']} of {one['subject']}: {taken}, limit {limit}, {left} left"
                console.print(f"{name}: {text}", markup=False)

    out.show({"limits": rows, "used": used}, lines)


@app.command("set")
@with_output
def set_(
    out: Output,
    key: Key,
    value: Value,
    reason: Reason = "asked by hand",
    confirm: Confirm = None,
) -> None:
    """Change a limit from here on, restarts included.

    A change that lets more happen asks for the key to be typed again. It is kept in the journal
    with its reason, and outlives algotrader.yaml until it is set to `file`.

    \b
    algotrader limits set account.max_daily_loss 2%
    algotrader limits set account.max_leverage 3 --confirm account.max_leverage
    """
    from algotrader.ops.limit_asking import change_limit, judged, state_of
    from algotrader.ops.reloading import SIZED_WITH

    configuration = _load(out)
    change = judged(configuration, state_of(configuration), key, value)
    change.require_confirmed(_confirmed(out, change, confirm))
    holds = change_limit(configuration, change, reason)
    before, after = change.before, change.after
    shown = {"key": key, "before": before, "after": after, "in_force": holds}
    ends = "" if holds else f"; asked: {_taken(change)}"
    text = f"{key}: {after or 'none'}, was {before or 'none'}{ends}"
    out.show(shown, lambda console: console.print(text, markup=False))
    if f"risk.{key}" in SIZED_WITH:
        out.note("targets are sized by the file's value: a higher one has to stand there too")


def _taken(change: LimitChange) -> str:
    """When it is taken where no trader answered: a confirmation does not hold for ever (F72)."""
    if change.loosens:
        return "a trader takes it within ten minutes, or not at all: it was confirmed for now"
    return "a trader that does not run takes it at its next start"


def _confirmed(out: Output, change: LimitChange, confirm: str | None) -> str | None:
    """What was typed as confirmation; asked for where somebody sits at a terminal."""
    if change.loosens and confirm is None and not out.json and sys.stdin.isatty():
        text = f"{change.key}: {change.after}, is {change.before}. This lets more happen"
        typed: str = typer.prompt(f"{text}. Type the key")
        return typed
    return confirm


def _in_force(limits: RiskSettings) -> list[tuple[str, str]]:
    from algotrader.ops.settings_text import texts

    found = texts(limits.model_dump(mode="json", exclude_unset=True))
    return [(key, value) for key, value in found if value]


def _load(out: Output) -> Configuration:
    from algotrader.ops.config import load

    return load(out.config, environment=os.environ)
