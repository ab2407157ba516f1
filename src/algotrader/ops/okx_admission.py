"""Before a trader sends anything to OKX: the account is fit, and nobody else trades it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from algotrader.core.errors import ConfigurationError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.examination import examine_okx
from algotrader.execution.broker import BrokerUnavailableError
from algotrader.live.settings import TradingSettings
from algotrader.ops.account_lock import account_locked
from algotrader.ops.okx_access import is_okx, venue_name


@asynccontextmanager
async def admitted(
    client: OkxClient,
    clock: Clock,
    symbols: tuple[Symbol, ...],
    trading: TradingSettings,
    *,
    state: Path,
    journal: Path,
) -> AsyncIterator[None]:
    """Hold the account as long as the block lasts.

    ConfigurationError for a key that may withdraw or cannot trade, and for an account that is not
    as it must be; RunError if another trader of this machine has it.
    """
    uid = await examined(client, clock, symbols, trading)
    with account_locked(state, venue_name(trading), uid, journal):
        yield


def has_own_clock(trading: TradingSettings) -> bool:
    """Whether the venue is a look-alike, whose time need not be this machine's."""
    return trading.mode == "sandbox" and not is_okx(trading.url)


async def examined(
    client: OkxClient, clock: Clock, symbols: tuple[Symbol, ...], trading: TradingSettings
) -> str:
    """The venue's name of an account that is fit to trade `symbols`. ConfigurationError if not."""
    await _examine(client, clock, symbols, has_own_clock=has_own_clock(trading))
    try:
        return (await OkxAccount(client).configuration()).uid
    except BrokerUnavailableError as error:
        raise _not_ready("connection", str(error), "start again: OKX did not answer") from error


async def _examine(
    client: OkxClient, clock: Clock, symbols: tuple[Symbol, ...], *, has_own_clock: bool
) -> None:
    def now_ms() -> int:
        return utc_ms(clock.now())

    trades_swaps = any(symbol.kind is InstrumentKind.PERPETUAL for symbol in symbols)
    for check in await examine_okx(client, now_ms, trades_swaps=trades_swaps):
        if check.subject == "clock" and has_own_clock:
            # It lives in the time of the bars it replays, and checks requests by this machine's.
            client.rest.set_offset(0)
            continue
        if not check.is_fine:
            raise _not_ready(check.subject, check.says, check.mend)


def _not_ready(subject: str, says: str, mend: str) -> ConfigurationError:
    return ConfigurationError(
        "trading.account_not_ready",
        f"{subject}: {says}",
        hint=f"{mend}; algotrader doctor okx shows all" if mend else "algotrader doctor okx",
    )
