"""`algotrader run`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.core.errors import UsageError
from algotrader.core.spelling import hint_among

if TYPE_CHECKING:
    from algotrader.ops.stopping import Ended

app = new_app()

ROLES = ("collector", "scheduler", "trader", "notifier", "api")
NOT_YET = ("runner",)
For = Annotated[float | None, typer.Option("--for", help="End after so many seconds.", min=0)]


@app.command()
@with_output
def run(
    out: Output,
    role: Annotated[str, typer.Argument(help="collector, scheduler, trader, notifier or api.")],
    for_s: For = None,
    new_link: Annotated[
        bool, typer.Option("--new-link", help="Of api: print a link that lets in once.")
    ] = False,
    beside: Annotated[
        bool, typer.Option("--beside", help="Of api: end with the process that began it.")
    ] = False,
) -> None:
    """Run one process of the system: collector, scheduler, trader, notifier or api.

    The collector keeps bars and funding as the venue closes them; the scheduler runs the `jobs` of
    algotrader.yaml; the trader is `algotrader trade`. SIGTERM and Ctrl-C end each of them when what
    it writes is written. Neither collector nor scheduler sends an order or needs a key. The notifier
    tells what the journal holds and takes commands by messenger, in place of the trader's own thread.
    The api serves the console on this machine and asks the trader for what is done there; it holds
    no key.

    \b
    algotrader run collector
    algotrader run api --new-link
    """
    if role == "collector":
        _collector(out, for_s)
    elif role == "scheduler":
        _scheduler(out, for_s)
    elif role == "notifier":
        _notifier(out, for_s)
    elif role == "trader":
        _trader(out, for_s)
    elif role == "api":
        _api(out, for_s, new_link, beside)
    elif role in NOT_YET:
        raise UsageError(
            "usage.role", f"the role {role} is not there yet",
            hint=f"roles are: {', '.join(ROLES)}; strategies run in the trader's own worker",
        )  # fmt: skip
    else:
        raise UsageError(
            "usage.role", f"there is no role {role!r}",
            hint=hint_among(role, ROLES, f"roles are: {', '.join(ROLES)}"),
        )  # fmt: skip


def _collector(out: Output, for_s: float | None) -> None:
    from algotrader.core.ports import SteadyClock
    from algotrader.ops.collecting import CollectRole
    from algotrader.ops.config import load
    from algotrader.ops.observing.wiring import logged
    from algotrader.ops.role_notices import role_notices
    from algotrader.ops.stopping import run_until_stopped

    configuration = load(out.config, environment=os.environ)
    with (
        logged(configuration, os.environ, verbose=out.verbose, role="collector"),
        role_notices(configuration, os.environ, out.note) as notifier,
    ):
        role = CollectRole(configuration, SteadyClock(), notifier, says=out.note)
        ended = run_until_stopped(role.run(), for_s)
    done = role.done.as_dict()
    out.show(
        done,
        lambda console: console.print(
            f"{done['slices']} slices, {done['added']} new bars, {done['revised']} restated, "
            f"{done['quarantined']} set aside, {done['gaps']} missing for good"
        ),
    )
    _leave(ended)


def _scheduler(out: Output, for_s: float | None) -> None:
    from algotrader.core.ports import SystemClock
    from algotrader.ops.config import load
    from algotrader.ops.observing.wiring import logged
    from algotrader.ops.role_notices import role_notices
    from algotrader.ops.scheduling.wiring import SchedulerRole
    from algotrader.ops.stopping import run_until_stopped

    configuration = load(out.config, environment=os.environ)
    with (
        logged(configuration, os.environ, verbose=out.verbose, role="scheduler"),
        role_notices(configuration, os.environ, out.note) as notifier,
    ):
        role = SchedulerRole(configuration, SystemClock(), notifier, says=out.note)
        out.note(f"{len(configuration.settings.jobs)} jobs; algotrader jobs ls shows when")
        ended = run_until_stopped(role.run(), for_s)
    done = role.done
    out.show(done, lambda console: console.print(f"{sum(done.values())} times dealt with: {done}"))
    _leave(ended)


def _trader(out: Output, for_s: float | None) -> None:
    from algotrader.cli.trade import trade

    trade(
        json=out.json, quiet=out.quiet, verbose=out.verbose, config=out.config, for_s=for_s
    )  # with the settings alone: real orders still need --confirm-live


def _leave(ended: Ended) -> None:
    from algotrader.ops.stopping import Ended

    if ended is Ended.INTERRUPTED:
        raise SystemExit(130)


def _notifier(out: Output, for_s: float | None) -> None:
    from algotrader.ops.config import load
    from algotrader.ops.notification.wiring import deliver
    from algotrader.ops.observing.wiring import logged
    from algotrader.ops.stopping import run_until_stopped

    configuration = load(out.config, environment=os.environ)
    with logged(configuration, os.environ, verbose=out.verbose, role="notifier"):
        ended = run_until_stopped(deliver(configuration, os.environ, says=out.note), for_s)
    out.show({"ended": str(ended)}, lambda console: console.print(f"ended: {ended}"))
    _leave(ended)


def _api(out: Output, for_s: float | None, new_link: bool, beside: bool) -> None:
    from algotrader.api.serve import serve
    from algotrader.ops.config import load
    from algotrader.ops.observing.wiring import logged
    from algotrader.ops.stopping import run_until_stopped

    configuration = load(out.config, environment=os.environ)
    with logged(configuration, os.environ, verbose=out.verbose, role="api"):
        work = serve(
            configuration, out.note, new_link=new_link, parent=os.getppid() if beside else None
        )
        ended = run_until_stopped(work, for_s)
    out.show({"ended": str(ended)}, lambda console: console.print(f"ended: {ended}"))
    _leave(ended)
