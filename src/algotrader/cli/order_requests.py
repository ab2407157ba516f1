"""What `order place`, `amend` and `cancel` ask of the trader, and what it answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from algotrader.cli.desk_tables import limit_text
from algotrader.cli.output import Output
from algotrader.core.errors import RunError, UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Side, TimeInForce
from algotrader.core.symbols import Symbol
from algotrader.core.units import format_money, format_step, parse_fraction, parse_number
from algotrader.ops.exit_codes import FINDING

if TYPE_CHECKING:
    from algotrader.core.ids import AccountId
    from algotrader.core.orders import DenialReason
    from algotrader.live.requests import Hand
    from algotrader.ops.config import Configuration

_CHANNEL = "cli"
_REBALANCE = {
    "by_bar": "it decides by itself what to do with it",
    "on_change": "at its next new target it starts from what is held then",
    "every_bar": "it looks at its target at every bar, and trades back to it",
    "schedule": "at its next scheduled decision it starts from what is held then",
    "band": "it trades back to its target once that is outside its band",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """An order as it was typed."""

    symbol: str
    side: str
    quantity: str | None
    value: str | None
    limit: str | None
    stop: str | None
    trail: str | None
    tif: str
    expires: str | None
    post_only: bool
    reduce_only: bool
    account: str | None
    request: str | None
    reason: str


def ask_place(out: Output, typed: Typed, confirm_live: str | None, *, dry_run: bool) -> None:
    """Send an order, or only say what would come of it. RunError if it is denied."""
    from algotrader.live.requests import HandOrder
    from algotrader.ops import order_asking as asking
    from algotrader.ops.standing import read_state

    configuration = _load(out)
    symbol = Symbol.parse(typed.symbol)
    asked = HandOrder(
        request=typed.request or asking.new_request(), reason=typed.reason, channel=_CHANNEL,
        account=asking.account_of(configuration, str(symbol), typed.account),
        until_ms=asking.valid_until(), instrument=symbol, side=_side(typed.side),
        quantity=_number("--quantity", typed.quantity), value=_number("--value", typed.value),
        limit=_number("--limit", typed.limit), stop=_number("--stop", typed.stop),
        trail=_number("--trail", typed.trail, parse_fraction),
        tif=_tif(typed.tif), expires_ms=_instant(typed.expires), post_only=typed.post_only,
        reduce_only=typed.reduce_only,
    )  # fmt: skip
    if not dry_run:
        asking.require_running(configuration)
    state = read_state(configuration, out.note)
    found = asking.preview(state, asked, asking.now_of(configuration, state))
    row = asking.preview_row(found, configuration)
    if dry_run:
        out.show(row, lambda console: _print_preview(console, row))
        if not found.is_allowed:
            raise typer.Exit(FINDING)
        return
    if found.is_allowed:
        _require_confirmed(out, configuration, asked.account, confirm_live, _said(row))
    elif _is_unconfirmed(configuration, asked.account, confirm_live):
        # The trader may judge otherwise in a moment, and nobody has said yes to real money.
        raise _denied(configuration, found.reasons)
    _answered(out, configuration, asked, f"{_said(row)} is on its way")


def ask_amend(
    out: Output,
    order: str,
    *,
    quantity: str | None,
    limit: str | None,
    stop: str | None,
    request: str | None,
    reason: str,
    confirm_live: str | None,
) -> None:
    """Change a resting order. RunError if it is denied."""
    from algotrader.core.ids import OrderId
    from algotrader.live.requests import HandAmend
    from algotrader.ops import order_asking as asking

    configuration = _load(out)
    asking.require_running(configuration)
    asked = HandAmend(
        request=request or asking.new_request(), reason=reason, channel=_CHANNEL,
        account=asking.account_of_order(configuration, OrderId(order)),
        until_ms=asking.valid_until(), order=OrderId(order),
        quantity=_number("--quantity", quantity), limit=_number("--limit", limit),
        stop=_number("--stop", stop),
    )  # fmt: skip
    _require_confirmed(out, configuration, asked.account, confirm_live, f"the change of {order}")
    _answered(out, configuration, asked, f"{order}: the venue is asked to change it")


def ask_cancel(out: Output, order: str, *, request: str | None, reason: str) -> None:
    """Take an order off the book. RunError if that cannot be asked."""
    from algotrader.core.ids import OrderId
    from algotrader.live.requests import HandCancel
    from algotrader.ops import order_asking as asking

    configuration = _load(out)
    asking.require_running(configuration)
    asked = HandCancel(
        request=request or asking.new_request(), reason=reason, channel=_CHANNEL,
        account=asking.account_of_order(configuration, OrderId(order)),
        until_ms=asking.valid_until(), order=OrderId(order),
    )  # fmt: skip
    _answered(out, configuration, asked, f"{order}: the venue is asked to cancel it")


def _answered(out: Output, configuration: Configuration, asked: Hand, done: str) -> None:
    from algotrader.ops import order_asking as asking

    answer = asking.ask(configuration, asked)
    if answer is None:
        raise RunError(
            "order.unanswered", f"the trader has not answered request {asked.request} yet",
            hint=f"algotrader orders shows what came of it; asked again with --request "
            f"{asked.request} it is done once at most",
        )  # fmt: skip
    if answer.reasons:
        raise _denied(configuration, answer.reasons)
    shown = {
        "request": asked.request, "action": answer.action.value, "account": asked.account,
        "order": answer.order, "accepted": True,
    }  # fmt: skip
    text = f"{done}; algotrader orders shows what becomes of {answer.order}"
    out.show(shown, lambda console: console.print(text, markup=False))


_MENDS = {
    "terms": "algotrader order place --help says what goes together",
    "kill_switch": "algotrader resume lets it trade again",
    "stale": "algotrader status says when the last bar came",
    "order": "algotrader orders --all says how it ended",
    "unknown_order": "algotrader orders names those that are open",
    "reduce_only": "algotrader positions says what is held",
    "below_minimum": "give a larger --quantity or --value",
    "cash": "give a smaller --quantity or --value; algotrader status says how much cash there is",
}
_OWN_TIME = (
    "a look-alike takes orders by hand at --speed 1 alone: else its time is not this machine's"
)


def _denied(configuration: Configuration, reasons: Sequence[DenialReason]) -> RunError:
    """Every reason, and what helps against the first."""
    from algotrader.ops.okx_admission import has_own_clock

    hint = _MENDS.get(reasons[0].rule, "algotrader limits show says what is left of each limit")
    if reasons[0].rule == "stale" and has_own_clock(configuration.settings.trading):
        hint = _OWN_TIME
    return RunError(
        "order.denied",
        "; ".join(f"denied by {one.rule}: {one.message}" for one in reasons),
        hint=hint,
    )


def _is_unconfirmed(
    configuration: Configuration, account: AccountId, confirmed: str | None
) -> bool:
    """Whether real money is meant, and the account was not said by name."""
    return configuration.settings.trading.mode == "live" and confirmed != account


def _require_confirmed(
    out: Output,
    configuration: Configuration,
    account: AccountId,
    confirmed: str | None,
    what: str,
) -> None:
    """Real money asks for the account by name. UsageError otherwise."""
    if not _is_unconfirmed(configuration, account, confirmed):
        return
    if confirmed is None and not out.json and sys.stdin.isatty():
        confirmed = typer.prompt(f"{what} spends real money. Type the account")
    if confirmed != account:
        raise UsageError(
            "order.unconfirmed", f"{what} spends real money on account {account}; nothing was sent",
            hint=f"if that is meant: --confirm-live {account}",
        )  # fmt: skip


def _said(row: dict[str, Any]) -> str:
    """`buy 0.5 OKX:BTC/USDT limit 60000 on main`."""
    prices = " ".join(f"{name} {row[name]}" for name in ("limit", "stop") if row[name] is not None)
    size = row["quantity"] or ""
    return " ".join(
        f"{row['side']} {size} {row['instrument']} {prices or 'at the market'} on "
        f"{row['account']}".split()
    )


def _print_preview(console: Console, row: dict[str, Any]) -> None:
    lines = [f"{'allowed' if row['allowed'] else 'denied'}: {_said(row)}"]
    lines += [f"  {one['rule']}: {one['message']}" for one in row["reasons"]]
    if row["notional"] is not None:
        lines.append(
            f"costs {_money(row['notional'])} at {format_step(Decimal(row['price']), None)}, fee {_money(row['fee'])}; "
            f"{_money(row['free'])} is free"
        )
    lines.append(f"position {row['position']}, after it {row['after']}")
    for one in row["rules"]:
        word = "" if one["allows"] else "  DENIES"
        used, after, limit = (
            limit_text(one[key], one["unit"]) for key in ("used", "after", "limit")
        )
        lines.append(
            f"{one['rule']} of {one['subject']}: {used}, after it {after}, limit {limit}{word}"
        )
    if row["strategy"] is not None:
        will = _REBALANCE.get(row["rebalance"] or "", "that strategy decides nothing by itself")
        guarded = ", its stop guards it" if row["guarded"] else ""
        lines.append(f"it belongs to strategy {row['strategy']}{guarded}; {will}")
    for line in lines:
        console.print(line, markup=False, highlight=False)


def _money(text: str) -> str:
    return format_money(Decimal(text))


def _number(
    option: str, text: str | None, read: Callable[[str], Decimal] = parse_number
) -> Decimal | None:
    """What stands behind an option. UsageError if that is no number."""
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise UsageError(
            "usage.number", f"{option} {text!r} is not a number",
            hint="write it like 50_000, 0.25 or, for --trail, 3%; nothing was sent",
        ) from error  # fmt: skip


def _side(text: str) -> Side:
    if text not in tuple(Side):
        raise UsageError("usage.choice", f"{text!r} is no side", hint="use buy or sell")
    return Side(text)


def _tif(text: str) -> TimeInForce:
    if text not in tuple(TimeInForce):
        raise UsageError(
            "usage.choice", f"--tif {text!r} does not exist",
            hint=f"use one of: {', '.join(TimeInForce)}",
        )  # fmt: skip
    return TimeInForce(text)


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            "usage.time", f"--expires {text!r} is no time", hint="such as 2026-01-31T16:00"
        ) from error
    return utc_ms(at if at.tzinfo is not None else at.replace(tzinfo=UTC))


def _load(out: Output) -> Configuration:
    from algotrader.ops.config import load

    return load(out.config, environment=os.environ)
