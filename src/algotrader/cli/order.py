"""`algotrader order`."""

from __future__ import annotations

from typing import Annotated

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

app = new_app(
    """Place, change or withdraw one order by hand.

Through every rule of risk, while strategies trade. The order belongs to the strategy that trades
the instrument: its next new target starts from what is held then.

\b
algotrader order place OKX:BTC/USDT buy --value 100 --limit 60000
algotrader order cancel ORDER
"""
)
Account = Annotated[str | None, typer.Option(help="Where several trade the instrument.")]
Reason = Annotated[str, typer.Option(help="Kept in the journal.")]
Confirm = Annotated[
    str | None,
    typer.Option("--confirm-live", metavar="ACCOUNT", help="Real money, on this account."),
]
RequestId = Annotated[
    str | None,
    typer.Option("--request", metavar="NAME", help="Asked again by one name, it is done once."),
]
OrderArgument = Annotated[str, typer.Argument(metavar="ORDER", help="Our id of it.")]
Limit = Annotated[str | None, typer.Option(help="Limit price.")]
Stop = Annotated[str | None, typer.Option(help="Price at which it becomes a live order.")]


@app.command()
@with_output
def place(
    out: Output,
    symbol: Annotated[str, typer.Argument(help="Such as OKX:BTC/USDT.")],
    side: Annotated[str, typer.Argument(metavar="buy|sell")],
    quantity: Annotated[
        str | None, typer.Option(help="Base units; contracts for derivatives.")
    ] = None,
    value: Annotated[str | None, typer.Option(help="In quote currency, in place of it.")] = None,
    limit: Limit = None,
    stop: Stop = None,
    trail: Annotated[str | None, typer.Option(help="Fraction of the best price: 3%.")] = None,
    tif: Annotated[str, typer.Option(help="gtc, ioc, fok, day, or gtd with --expires.")] = "gtc",
    expires: Annotated[str | None, typer.Option(help="UTC, such as 2026-01-31T16:00.")] = None,
    post_only: Annotated[bool, typer.Option("--post-only", help="Rest, or not at all.")] = False,
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="Never add.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come.")] = False,
    account: Account = None,
    request: RequestId = None,
    reason: Reason = "asked by hand",
    confirm_live: Confirm = None,
) -> None:
    """Send an order: market, or at the prices that are given.

    Judged by every rule like a strategy's; denied whole, or sent. It is not kept for a trader that
    does not run. With --dry-run nothing is asked for: each rule's word, the cost, the position;
    exit code 1 if it would be denied.

    \b
    algotrader order place OKX:BTC/USDT buy --value 100 --dry-run
    algotrader order place OKX:BTC/USDT sell --quantity 0.01 --limit 70000 --post-only
    """
    from algotrader.cli.order_requests import Typed, ask_place

    typed = Typed(
        symbol=symbol, side=side, quantity=quantity, value=value, limit=limit, stop=stop,
        trail=trail, tif=tif, expires=expires, post_only=post_only, reduce_only=reduce_only,
        account=account, request=request, reason=reason,
    )  # fmt: skip
    ask_place(out, typed, confirm_live, dry_run=dry_run)


@app.command()
@with_output
def amend(
    out: Output,
    order: OrderArgument,
    quantity: Annotated[str | None, typer.Option(help="Of the whole order.")] = None,
    limit: Limit = None,
    stop: Stop = None,
    request: RequestId = None,
    reason: Reason = "asked by hand",
    confirm_live: Confirm = None,
) -> None:
    """Change the quantity or the prices of a resting order.

    Judged as a new order in its place. Stops of what is held follow their strategy instead.

    \b
    algotrader order amend ORDER --limit 59000
    algotrader order amend ORDER --quantity 0.02
    """
    from algotrader.cli.order_requests import ask_amend

    ask_amend(
        out, order, quantity=quantity, limit=limit, stop=stop, request=request, reason=reason,
        confirm_live=confirm_live,
    )  # fmt: skip


@app.command()
@with_output
def cancel(
    out: Output, order: OrderArgument, request: RequestId = None, reason: Reason = "asked by hand"
) -> None:
    """Take an order off the venue's book.

    What it has filled stays. A target's order is not sent again before a newer target. For all
    orders at once there is `algotrader halt`.

    \b
    algotrader order cancel ORDER
    algotrader order cancel ORDER --reason "the news"
    """
    from algotrader.cli.order_requests import ask_cancel

    ask_cancel(out, order, request=request, reason=reason)
