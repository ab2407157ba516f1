"""`algotrader limits`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.core.errors import RunError, UsageError

if TYPE_CHECKING:
    from algotrader.core.events import LimitChanged, LimitChangeRefused
    from algotrader.engine.state import EngineState
    from algotrader.ops.config import Configuration
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
TO_FILE = "file"
CONFIRMED_MS = 600_000
"""A confirmation that no trader took by then has to be given again (F72)."""


@app.command()
@with_output
def show(out: Output) -> None:
    """Show every limit in force, where it comes from, and how much of it is used.

    Read from the journal, also while the trader runs; before the first start, from the settings.

    \b
    algotrader limits show
    algotrader limits show --json
    """
    from algotrader.core.ids import AccountId
    from algotrader.ops.desk_rows import limit_rows

    configuration = _load(out)
    state = _state(configuration)
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
                text = f"{one['rule']} of {one['subject']}: {one['used']} of {one['limit']}"
                console.print(f"{name}: {text}, {one['left']} left", markup=False)

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
    from algotrader.core.events import LimitChanged, LimitChangeRefused
    from algotrader.live.requests import LimitRequest
    from algotrader.ops.asking import answered

    configuration = _load(out)
    before, after = _judged(configuration, key, value)
    until_ms = _confirmed_until(out, key, before, after, confirm)
    asked = LimitRequest(
        key=key, value=None if value == TO_FILE else value, reason=reason, before=before,
        until_ms=until_ms,
    )  # fmt: skip
    told = answered(
        configuration,
        asked,
        lambda event: isinstance(event, LimitChanged | LimitChangeRefused) and event.key == key,
    )
    _show_answer(out, key, before, after, told or [])


def _judged(configuration: Configuration, key: str, value: str) -> tuple[str | None, str | None]:
    """What the limit is and would be. ConfigurationError if it cannot be that."""
    from algotrader.risk.limit_changes import require_consistent, value_of, with_limit

    state = _state(configuration)
    if state is None:
        file = limits = configuration.settings.risk
    else:
        file, limits = state.risk.state.file, state.risk.state.limits
    before = _text(value_of(limits, key))
    if value == TO_FILE:
        return before, _text(value_of(file, key))
    wanted = with_limit(limits, key, value)
    require_consistent(wanted)
    return before, _text(value_of(wanted, key))


def _confirmed_until(
    out: Output, key: str, before: str | None, after: str | None, confirm: str | None
) -> int | None:
    """How long a change that lets more happen is confirmed; None for one that does not."""
    from algotrader.core.instants import utc_ms
    from algotrader.core.ports import SystemClock
    from algotrader.risk.loosening import loosens

    if not loosens(key, before, after):
        return None
    if confirm is None and not out.json and sys.stdin.isatty():
        confirm = typer.prompt(f"{key}: {after}, is {before}. This lets more happen. Type the key")
    if confirm != key:
        raise UsageError(
            "risk.unconfirmed",
            f"{key}: {after or 'none'} instead of {before} lets more happen; nothing was changed",
            hint=f"if that is meant: --confirm {key}",
        )
    return utc_ms(SystemClock().now()) + CONFIRMED_MS


def _show_answer(
    out: Output, key: str, before: str | None, after: str | None, told: list[Any]
) -> None:
    from algotrader.core.events import LimitChanged, LimitChangeRefused
    from algotrader.ops.reloading import SIZED_WITH

    answer: LimitChanged | LimitChangeRefused | None = next(
        (one for one in told if isinstance(one, LimitChanged | LimitChangeRefused)), None
    )
    if isinstance(answer, LimitChangeRefused):
        raise RunError("risk.limit_refused", f"{key} stays {before}: {answer.reason}")
    holds = answer is not None
    shown = {"key": key, "before": before, "after": after, "in_force": holds}
    ends = "" if holds else "; asked: a trader that does not run takes it at its next start"
    text = f"{key}: {after or 'none'}, was {before or 'none'}{ends}"
    out.show(shown, lambda console: console.print(text, markup=False))
    if f"risk.{key}" in SIZED_WITH:
        out.note("targets are sized by the file's value: a higher one has to stand there too")


def _in_force(limits: RiskSettings) -> list[tuple[str, str]]:
    from algotrader.ops.settings_text import texts

    return list(texts(limits.model_dump(mode="json", exclude_unset=True)))


def _state(configuration: Configuration) -> EngineState | None:
    """Where the journal ends; None before the first start."""
    from algotrader.ops.standing import folder_of, read_state

    return read_state(configuration) if folder_of(configuration).chain.exists() else None


def _load(out: Output) -> Configuration:
    from algotrader.ops.config import load

    return load(out.config, environment=os.environ)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
