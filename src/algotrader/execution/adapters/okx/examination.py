"""Whether an OKX account and its key are fit to trade with, and how to mend what is not.

`judge_account` is pure; `examine_okx` asks what it judges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from algotrader.core.units import format_duration
from algotrader.data.adapters.okx.clock import (
    REFUSED_MS,
    ClockReading,
    ClockVerdict,
    clock_verdict,
    measure_clock,
)
from algotrader.data.adapters.okx.rest import NoAnswerError
from algotrader.execution.adapters.okx.account import (
    NET,
    AccountConfiguration,
    OkxAccount,
    read_configuration,
)
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.codes import mending
from algotrader.execution.broker import BrokerUnavailableError

_LEVELS = {
    "1": "spot", "2": "futures (single-currency margin)", "3": "multi-currency margin",
    "4": "portfolio margin",
}  # fmt: skip
_SETTINGS = "change it on OKX: Trade, settings, account mode"
_KEY_PAGE = "make another key on OKX's API page"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCheck:
    """One thing looked at. A start with a check that is not fine is refused."""

    subject: str
    is_fine: bool
    says: str
    mend: str = ""  # may be there for what is fine and could be better


def judge_account(
    found: AccountConfiguration, clock: ClockReading, *, trades_swaps: bool
) -> list[AccountCheck]:
    """Every check, in the order in which a person would mend them."""
    checks = [
        *_judge_key(found), _judge_level(found, trades_swaps), _judge_borrowing(found),
        _judge_clock(clock),
    ]  # fmt: skip
    if trades_swaps:
        checks.append(_judge_position_mode(found))
    checks.append(AccountCheck(subject="fee tier", is_fine=True, says=found.fee_level or "unknown"))
    return checks


def _judge_key(found: AccountConfiguration) -> list[AccountCheck]:
    rights = ", ".join(sorted(found.permissions)) or "none"
    may_withdraw = "withdraw" in found.permissions
    may_trade = "trade" in found.permissions
    bound = bool(found.addresses)
    return [
        AccountCheck(
            subject="withdrawal", is_fine=not may_withdraw,
            says="the key may withdraw" if may_withdraw else "the key cannot withdraw",
            mend=f"such keys are refused: {_KEY_PAGE}, without that right" if may_withdraw else "",
        ),
        AccountCheck(
            subject="permissions", is_fine=may_trade, says=rights,
            mend="" if may_trade else f"{_KEY_PAGE}, with the right to trade",
        ),
        AccountCheck(
            subject="addresses", is_fine=True,
            says=", ".join(found.addresses) if bound else "the key works from anywhere",
            mend="" if bound else "bind the key to this machine's address on OKX's API page",
        ),
    ]  # fmt: skip


def _judge_level(found: AccountConfiguration, trades_swaps: bool) -> AccountCheck:
    """Margin across currencies is not what our books reckon with (R23)."""
    fits = found.level == "2" or (found.level == "1" and not trades_swaps)
    wanted = "futures mode" if trades_swaps else "spot or futures mode"
    return AccountCheck(
        subject="account mode",
        is_fine=fits,
        says=_LEVELS.get(found.level, f"unknown mode {found.level!r}"),
        mend="" if fits else f"{wanted} is needed: {_SETTINGS}",
    )


def _judge_borrowing(found: AccountConfiguration) -> AccountCheck:
    """A sale of what is not held must be refused, not borrowed for: the books know no loans."""
    return AccountCheck(
        subject="borrowing",
        is_fine=not found.borrows,
        says="coins are borrowed by themselves" if found.borrows else "nothing is borrowed",
        mend=f"switch automatic borrowing off: {_SETTINGS}" if found.borrows else "",
    )


def _judge_position_mode(found: AccountConfiguration) -> AccountCheck:
    fits = found.position_mode == NET
    return AccountCheck(
        subject="position mode",
        is_fine=fits,
        says="one-way" if fits else "long and short apart",
        mend="" if fits else "close positions and orders, then choose one-way mode on OKX",
    )


def _judge_clock(clock: ClockReading) -> AccountCheck:
    verdict = clock_verdict(clock.offset_ms)
    fits = verdict in (ClockVerdict.FINE, ClockVerdict.SHOWN)
    return AccountCheck(
        subject="clock",
        is_fine=fits,
        says=f"OKX is {_apart(clock.offset_ms)} this machine (±{clock.uncertainty_ms} ms)",
        mend="" if verdict is ClockVerdict.FINE
        else f"set this machine's clock by NTP; more than {REFUSED_MS} ms stop new orders",
    )  # fmt: skip


def _apart(offset_ms: int) -> str:
    """`+12 ms from`, `+30.5 s from`, `1054 d 22 h behind`."""
    if abs(offset_ms) < 10_000:
        return f"{offset_ms:+d} ms from"
    if abs(offset_ms) < 120_000:
        return f"{offset_ms / 1000:+.1f} s from"
    return f"{format_duration(abs(offset_ms))} {'ahead of' if offset_ms > 0 else 'behind'}"


async def examine_okx(
    client: OkxClient, now_ms: Callable[[], int], *, trades_swaps: bool
) -> list[AccountCheck]:
    """What `doctor okx` shows. It never raises: what cannot be read is a check that failed."""
    try:
        clock = await measure_clock(client.rest, now_ms)
        client.rest.set_offset(clock.offset_ms)  # a clock that is off shall not hide the rest
        answer = await client.get("account/config", {})
    except (BrokerUnavailableError, NoAnswerError) as error:
        return [
            AccountCheck(
                subject="connection", is_fine=False, says=str(error),
                mend="check that this machine reaches OKX; its status is on okx.com/status",
            )
        ]  # fmt: skip
    checks = await _maintenance(client)
    if not answer.is_ok or not answer.row:
        mend = mending(answer.code) or "see OKX's list of error codes"
        says = f"{answer.code} {answer.message}"
        return [*checks, AccountCheck(subject="key", is_fine=False, says=says, mend=mend)]
    found = read_configuration(answer.row)
    return [*checks, *judge_account(found, clock, trades_swaps=trades_swaps)]


async def _maintenance(client: OkxClient) -> list[AccountCheck]:
    try:
        planned = await OkxAccount(client).maintenance()
    except BrokerUnavailableError as error:
        return [AccountCheck(subject="maintenance", is_fine=True, says=f"not told: {error}")]
    return [
        AccountCheck(
            subject="maintenance",
            is_fine=not (stops := one.stops_trading(demo=client.address.sandbox)),
            says=f"{one.title}: {one.state}",
            mend=mending("50001") if stops else "",
        )
        for one in planned
    ]
