"""What `halt`, `flatten` and `resume` leave for the trader."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from algotrader.cli.output import Output

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
    from algotrader.ops.asking import ask_mode, is_running
    from algotrader.ops.config import load

    configuration = load(out.config, environment=os.environ)
    what = "flatten" if flatten else {"halted": "halt", "trading": "resume"}[mode.value]
    wanted = ask_mode(configuration, mode, accounts, reason, flatten=flatten)
    when = (
        "algotrader status shows when it is in force"
        if is_running(configuration)
        else "no trader runs: in force when it starts"
    )

    def lines(console: Console) -> None:
        for name in wanted:
            console.print(f"{name}: {what} asked; {when}")

    out.show([{"account": name, "asked": what, "reason": reason} for name in wanted], lines)
