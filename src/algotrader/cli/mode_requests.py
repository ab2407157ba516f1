"""What `halt` and `resume` leave for the trader."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from algotrader.cli.output import Output
from algotrader.core.errors import RunError, UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.core.spelling import hint_among

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.core.events import TradingMode


def ask(
    out: Output,
    mode: TradingMode,
    accounts: list[str] | None,
    reason: str,
    *,
    flatten: bool = False,
) -> None:
    """Put a request for each account into the trader's inbox. UsageError for unknown accounts."""
    from algotrader.core.ids import AccountId
    from algotrader.live.operator import Inbox, Request
    from algotrader.ops.config import load

    loaded = load(out.config, environment=os.environ)
    known = sorted({one.account for one in loaded.settings.strategies.values()})
    if not known:
        raise UsageError(
            "usage.account", "no strategy is configured here, so no account trades",
            hint="run this in the workspace of the trader, or name its settings by --config",
        )  # fmt: skip
    wanted = accounts or known
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(
            "usage.account",
            f"no strategy trades on account {unknown[0]!r}",
            hint=hint_among(unknown[0], known, f"accounts are: {', '.join(known) or 'none'}"),
        )
    what = "flatten" if flatten else mode.value
    inbox = Inbox(loaded.path(loaded.settings.workspace.journal))
    at_ms = utc_ms(SystemClock().now())
    try:
        for name in wanted:
            request = Request(account=AccountId(name), mode=mode, reason=reason, flatten=flatten)
            inbox.put(request, at_ms)
    except OSError as error:
        raise RunError(
            "trading.inbox",
            f"{error.filename}: {(error.strerror or str(error)).lower()}",
            hint="end the trader's process instead: nothing is sent while it does not run",
        ) from error

    def lines(console: Console) -> None:
        for name in wanted:
            console.print(f"{name}: {what} asked; algotrader status shows when it is in force")

    out.show([{"account": name, "asked": what, "reason": reason} for name in wanted], lines)
