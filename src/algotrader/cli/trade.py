"""`algotrader trade`."""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algotrader.cli.again import starts_anew
from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, shown_path, with_output
from algotrader.cli.progress import shown_progress
from algotrader.core.errors import UsageError
from algotrader.live.requests import OPERATOR

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.core.ports import Notice, Notifier
    from algotrader.ops.beside import Beside
    from algotrader.ops.crash_loop import Starts
    from algotrader.ops.desk import Desk
    from algotrader.ops.starting import Accept
    from algotrader.ops.stopping import Ended
    from algotrader.ops.trading import Traded

app = new_app()


@app.command()
@with_output
@starts_anew
def trade(
    out: Output,
    mode: Annotated[
        str | None, typer.Option(help="paper, sandbox or live; default: trading.mode.")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(help="Closes of bars a second, of a replay; 0: as fast as it goes.", min=0),
    ] = 0.0,
    sync: Annotated[
        str,
        typer.Option("--journal-sync", help="full, or normal: quicker, for replays alone."),
    ] = "full",
    for_s: Annotated[
        float | None, typer.Option("--for", help="End after so many seconds (live bars).", min=0)
    ] = None,
    confirm_live: Annotated[
        list[str] | None,
        typer.Option("--confirm-live", metavar="ACCOUNT", help="Real orders, on this account."),
    ] = None,
    accept_changes: Annotated[
        bool,
        typer.Option("--accept-changes", help="Start with other code or settings than before."),
    ] = False,
) -> None:
    """Trade the strategies of algotrader.yaml: on paper, on demo trading, or in earnest.

    Everything a decision depends on is written to the journal first. End it by Ctrl-C, or by any
    other means: the next start goes on where it was. Paper is filled here, and a sandbox is OKX's
    demo trading, or the look-alike exchange that trading.url names. Real orders need `mode: live`
    in the settings and --confirm-live with the account's name.

    \b
    algotrader trade
    algotrader trade --speed 4
    """
    from algotrader.cli.trade_live_bars import trade_live_bars
    from algotrader.live.journal.storage import Sync
    from algotrader.live.steps import REPLAY_STEPS
    from algotrader.ops.config import load
    from algotrader.ops.desk import build_desk
    from algotrader.ops.live_mode import require_confirmed
    from algotrader.ops.notification.wiring import notifying
    from algotrader.ops.observing.wiring import logged
    from algotrader.ops.trading import journal_folder, opened, replay

    overrides = {} if mode is None else {"trading.mode": mode}
    configuration = load(out.config, environment=os.environ, overrides=overrides)
    trading = configuration.settings.trading

    def accept(changes: Sequence[str]) -> str | None:
        return _accepted(out, changes, accept_changes)

    if (trading.mode, trading.data) == ("paper", "live"):
        if (told := trade_live_bars(out, configuration, for_s, accept)) is not None:
            out.show(_plain(*told), lambda console: _print(console, *told))
        return
    desk = build_desk(configuration)
    if sync not in (each.value for each in Sync):
        raise UsageError(
            "usage.choice", f"--journal-sync {sync!r} does not exist", hint="use full or normal"
        )
    require_confirmed(desk, confirm_live or [])
    folder = journal_folder(desk)
    if desk.configuration.settings.trading.mode != "paper":
        _trade_on_exchange(out, desk, for_s, accept)
        return
    out.note(_banner(desk, str(shown_path(folder.path))))
    rows, done = desk.rows(), 0
    with (
        logged(desk.configuration, os.environ, verbose=out.verbose),
        notifying(desk.configuration, os.environ) as messenger,
        opened(folder, Sync(sync)) as journal,
        shown_progress(out, "replay") as progress,
    ):

        def counted(_: object) -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(done, rows)

        ended, traded = _until_stopped(
            replay(
                desk,
                journal,
                pause_s=1 / speed if speed else 0.0,
                gather_steps=REPLAY_STEPS if sync == Sync.NORMAL and not speed else 1,
                on_slice=counted,
                on_notice=lambda notice: typer.echo(f"△ {notice.text}", err=True),
                messenger=messenger,
                accept=lambda changes: _told(changes, OPERATOR if accept_changes else None),
            )
        )
    _show(out, desk, ended, traded)


def _trade_on_exchange(out: Output, desk: Desk, for_s: float | None, accept: Accept) -> None:
    from algotrader.core.ports import SystemClock
    from algotrader.live.journal.storage import Sync
    from algotrader.ops.account_lock import state_folder
    from algotrader.ops.console_process import console_beside
    from algotrader.ops.crash_loop import Starts
    from algotrader.ops.notification.wiring import notifying
    from algotrader.ops.observing.wiring import logged
    from algotrader.ops.okx_access import place
    from algotrader.ops.okx_accounts import keys_of
    from algotrader.ops.okx_trading import trade_on_okx
    from algotrader.ops.secrets import secrets_of
    from algotrader.ops.trading import journal_folder, opened

    secrets, folder = secrets_of(desk.configuration, os.environ), journal_folder(desk)
    keys = keys_of(desk, secrets)
    trading, starts = desk.configuration.settings.trading, Starts(folder.path, SystemClock())
    out.note(
        f"{trading.mode.upper()}  {_who(desk)}  {place(trading)}  journal in {shown_path(folder.path)}"
    )
    with (
        logged(desk.configuration, os.environ, verbose=out.verbose) as redactor,
        notifying(desk.configuration, os.environ) as messenger,
        opened(folder, Sync.FULL) as journal,
        starts.counted(lambda notice: _tell(messenger, notice)),
        console_beside(desk.configuration, os.environ, quiet=out.quiet or out.json),
    ):
        for key in keys.values():
            redactor.learn((key.key, key.secret, key.passphrase))
        ended, traded = _until_stopped(
            trade_on_okx(
                desk,
                journal,
                keys,
                for_s=for_s,
                on_ready=lambda: _ready(out, starts),
                on_notice=lambda notice: typer.echo(f"△ {notice.text}", err=True),
                messenger=messenger,
                state=state_folder(os.environ),
                accept=accept,
                companion=_beside(out, desk, messenger),
            )
        )
    _show(out, desk, ended, traded)


def _beside(out: Output, desk: Desk, messenger: Notifier | None) -> Beside:
    """Bars are kept where they are a market's: a sandbox has prices of its own."""
    from algotrader.core.ports import SteadyClock
    from algotrader.ops.beside import Beside
    from algotrader.ops.role_notices import RoleNotices

    is_market = desk.configuration.settings.trading.mode == "live"
    notifier = RoleNotices(out.note, messenger)
    return Beside(desk.configuration, SteadyClock(), notifier, says=out.note, collects=is_market)


def _ready(out: Output, starts: Starts) -> None:
    starts.succeeded()
    out.note("the books agree with the venue; waiting for bars")


def _tell(messenger: Notifier | None, notice: Notice) -> None:
    import asyncio

    if messenger is not None:
        asyncio.run(messenger.notify(notice))


def _until_stopped(work: Coroutine[Any, Any, Traded]) -> tuple[Ended, Traded | None]:
    """Trade until it is done, or until a signal: then nothing new is sent, and what is open rests
    at the venue. The next start finds it there (F07).
    """
    from algotrader.ops.stopping import run_until_stopped

    kept: list[Traded] = []

    async def keeping() -> None:
        kept.append(await work)

    ended = run_until_stopped(keeping(), None)
    return ended, kept[0] if kept else None


def _show(out: Output, desk: Desk, ended: Ended, traded: Traded | None) -> None:
    from algotrader.ops.stopping import Ended

    if traded is not None:
        out.show(_plain(desk, traded), lambda console: _print(console, desk, traded))
        return
    policy = desk.configuration.settings.trading.at_exit
    rest = {"keep": "open orders rest at the venue", "cancel": "open entries were cancelled"}
    out.note(f"nothing new is sent; {rest[policy]}, and the next start goes on there")
    out.show({"ended": str(ended)}, lambda console: console.print(f"ended: {ended}"))
    if ended is Ended.INTERRUPTED:
        raise SystemExit(130)


def _accepted(out: Output, changes: Sequence[str], given: bool) -> str | None:
    """Whether the start may go on with what changed while positions are open (F63)."""
    _told(changes, None)
    if given or out.json or not sys.stdin.isatty():
        return OPERATOR if given else None
    return OPERATOR if typer.confirm("start with these changes?", err=True) else None


def _told(changes: Sequence[str], accepted_by: str | None) -> str | None:
    """A replay goes on with what changed, which is said."""
    for change in changes:
        typer.echo(f"changed: {change}", err=True)
    return accepted_by


def _banner(desk: Desk, journal: str) -> str:
    return f"PAPER  {_who(desk)}  replay of recorded bars  journal in {journal}"


def _who(desk: Desk) -> str:
    """`fast, slow on main; carry on sub`."""
    return "; ".join(
        f"{', '.join(one.name for one in account.strategies)} on {account.name}"
        for account in desk.accounts
    )


def _plain(desk: Desk, traded: Traded) -> dict[str, Any]:
    from algotrader.ops.desk_rows import account_rows

    return {
        "mode": desk.configuration.settings.trading.mode,
        "resumed": traded.resumed,
        "slices": traded.slices,
        "accounts": account_rows(traded.state),
    }


def _print(console: Console, desk: Desk, traded: Traded) -> None:
    from algotrader.cli.desk_tables import print_accounts

    trading = desk.configuration.settings.trading
    is_replay = (trading.mode, trading.data) == ("paper", "replay")
    if traded.slices == 0 and is_replay:
        console.print("the replay was at its end already: every recorded bar was traded")
    else:
        went_on = "went on with its journal, " if traded.resumed else ""
        closes = "1 close" if traded.slices == 1 else f"{traded.slices:,} closes"
        console.print(f"{went_on}traded through {closes} of bars")
    print_accounts(console, traded.state)
    console.print("next: algotrader status, algotrader fills; in a browser: algotrader run api")
