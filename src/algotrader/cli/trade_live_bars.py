"""`algotrader trade` on paper with bars as the venue closes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from algotrader.cli.output import Output, shown_path

if TYPE_CHECKING:
    from algotrader.ops.config import Configuration
    from algotrader.ops.desk import Desk
    from algotrader.ops.starting import Accept
    from algotrader.ops.trading import Traded


def trade_live_bars(
    out: Output, configuration: Configuration, for_s: float | None, accept: Accept
) -> tuple[Desk, Traded] | None:
    """Until a signal or `for_s` seconds; None if it was ended before trading began."""
    from algotrader.core.ports import SteadyClock
    from algotrader.live.journal.storage import Sync
    from algotrader.ops.console_process import console_beside
    from algotrader.ops.desk import build_desk
    from algotrader.ops.notification.wiring import notifying
    from algotrader.ops.observing.wiring import logged
    from algotrader.ops.paper_process import PaperProcess
    from algotrader.ops.role_notices import RoleNotices
    from algotrader.ops.stopping import Ended, run_until_stopped
    from algotrader.ops.trading import journal_folder, opened

    with (
        logged(configuration, os.environ, verbose=out.verbose),
        notifying(configuration, os.environ) as messenger,
    ):
        process = PaperProcess(
            configuration, SteadyClock(), RoleNotices(out.note, messenger), says=out.note
        )
        if run_until_stopped(process.catch_up(), None) is not Ended.BY_ITSELF:
            return None
        desk = build_desk(configuration)
        folder = journal_folder(desk)
        names = ", ".join(one.name for one in desk.strategies)
        out.note(f"PAPER  {names}  live bars  journal in {shown_path(folder.path)}")
        beside = console_beside(configuration, os.environ, quiet=out.quiet or out.json)
        with opened(folder, Sync.FULL) as journal, beside:
            work = process.trade(
                desk,
                journal,
                accept=accept,
                on_ready=lambda: out.note("the books stand; waiting for bars"),
            )
            run_until_stopped(work, for_s)
    return None if process.traded is None else (desk, process.traded)
