"""Another trader on the same account, seen by its orders: the account is refused (F65).

A lock holds within a machine, a lease within a folder. Across machines the venue is what both share,
and every order of ours carries the tag of its run.
"""

from __future__ import annotations

from algotrader.core.errors import RunError
from algotrader.execution.adapters.okx.broker import OkxBroker
from algotrader.execution.adapters.okx.questions import foreign_tags
from algotrader.execution.broker import BrokerUnavailableError


async def refuse_other_runs(broker: OkxBroker, tag: str) -> None:
    """RunError if orders of another run rest on the account, or if that cannot be told."""
    try:
        rows = await broker.open_orders()
    except BrokerUnavailableError as error:
        raise RunError(
            "trading.venue_silent",
            f"whether another trader has orders on this account is not known: {error}",
            hint="start again when OKX answers",
        ) from error
    if tags := sorted(foreign_tags(rows, tag)):
        count = sum(bool(foreign_tags((row,), tag)) for row in rows)
        raise RunError(
            "trading.another_run",
            f"{count} open orders on this account are of another run of algotrader "
            f"({', '.join(tags)}), this one is {tag}",
            hint="end the other trader; if there is none any more, cancel its orders at the venue",
        )
