"""The accounts of a desk on OKX: each with a key, a lock, a broker and books of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from algotrader.core.errors import AlgotraderError, ConfigurationError, RunError
from algotrader.core.events import CashMoved, Event
from algotrader.core.ids import AccountId, RunId, run_tag
from algotrader.core.ports import Clock
from algotrader.data.adapters.okx.rest import OkxKeys
from algotrader.data.adapters.okx.streams import StreamSettings
from algotrader.engine.state import START, EngineState
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.execution.adapters.okx.broker import OkxBroker, OkxBrokerSettings
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.news import NewsSettings
from algotrader.execution.adapters.okx.questions import OkxQuestions
from algotrader.live.settings import TradingSettings
from algotrader.live.steps import Steps
from algotrader.ops.account_lock import account_locked
from algotrader.ops.desk import Desk, DeskAccount
from algotrader.ops.holdings import holdings_at_start
from algotrader.ops.okx_access import okx_client, okx_keys, venue_name
from algotrader.ops.okx_admission import examined
from algotrader.ops.other_runs import refuse_other_runs
from algotrader.ops.own_keys import require_own_keys
from algotrader.ops.secrets import Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOnOkx:
    """One account, ready to trade. Its client has its own key, and no other has that."""

    account: DeskAccount
    client: OkxClient
    broker: OkxBroker

    @property
    def name(self) -> AccountId:
        return self.account.name


def require_okx(desk: Desk) -> None:
    """ConfigurationError for another venue, and for two accounts that name the same key."""
    for account in desk.accounts:
        if (venue := account.symbols[0].venue) != "OKX":
            raise ConfigurationError(
                "trading.venue",
                f"account {account.name} trades on {venue}; OKX alone is traded so far",
                hint="use symbols such as OKX:BTC/USDT, or trading: {mode: paper}",
            )
    require_own_keys({one.name: one.settings for one in desk.accounts})


def keys_of(desk: Desk, secrets: Secrets) -> dict[AccountId, OkxKeys]:
    """The key of every account. ConfigurationError as `require_okx`, or names what is missing."""
    require_okx(desk)
    return {one.name: okx_keys(secrets, one.settings.keys) for one in desk.accounts}


@asynccontextmanager
async def opened_accounts(
    desk: Desk,
    keys: Mapping[AccountId, OkxKeys],
    engine_state: EngineState,
    run_id: RunId,
    clock: Clock,
    streams: StreamSettings,
    *,
    state: Path,
    journal: Path,
) -> AsyncIterator[tuple[AccountOnOkx, ...]]:
    """Every account examined and locked, as long as the block lasts; nothing was sent by then.

    If one of them is not fit none is traded: ConfigurationError, or RunError, names it.
    """
    trading, tag = desk.configuration.settings.trading, run_tag(run_id)
    async with AsyncExitStack() as stack:
        ready: list[AccountOnOkx] = []
        uids: dict[str, AccountId] = {}
        for account in desk.accounts:
            client = okx_client(keys[account.name], trading)
            settings = _broker_settings(account, trading, engine_state, run_id, streams)
            broker = OkxBroker(account.name, client, clock, settings)
            stack.push_async_callback(broker.close)
            ready.append(AccountOnOkx(account=account, client=client, broker=broker))
        for one in ready:
            try:
                uid = await examined(one.client, clock, one.account.symbols, trading)
                _require_another(uids, uid, one.name)
                stack.enter_context(account_locked(state, venue_name(trading), uid, journal))
                await refuse_other_runs(one.broker, tag)
            except (ConfigurationError, RunError) as error:
                if len(ready) == 1:
                    raise
                raise _named(error, one.name) from error
        yield tuple(ready)


def _require_another(uids: dict[str, AccountId], uid: str, name: AccountId) -> None:
    if (other := uids.setdefault(uid, name)) != name:
        raise ConfigurationError(
            "trading.same_account",
            f"its key is of the account that {other} trades already",
            hint="make it a sub-account of its own on OKX, with a key of its own",
        )


def _named(error: ConfigurationError | RunError, name: AccountId) -> AlgotraderError:
    """The same error, told of one account of several: none of them is traded."""
    text = f"account {name}: {error.message}; no account is traded"
    return type(error)(error.code, text, hint=error.hint)


def _broker_settings(
    account: DeskAccount,
    trading: TradingSettings,
    state: EngineState,
    run_id: RunId,
    streams: StreamSettings,
) -> OkxBrokerSettings:
    margin = account.settings.margin
    return OkxBrokerSettings(
        margin_mode="cross" if margin == "cash" else margin,  # cash trades no swaps
        run_tag=run_tag(run_id),
        watched=frozenset(account.symbols),
        # Funding and trades of others while we were down are booked as well.
        trades_since_ms=_newest(account, state),
        books_since_ms=state.begun_ms(account.name),
        news=NewsSettings(check_s=trading.check_s),
        streams=streams,
    )


def _newest(account: DeskAccount, state: EngineState) -> int | None:
    """When was decided last on it, of the length of bars that is furthest behind, and before a
    first decision when its books began; None before that."""
    begun_ms = state.begun_ms(account.name)
    if begun_ms is None:
        return None
    frames = {one.settings.timeframe for one in account.strategies}
    newest = [state.slices[frame].decision_ts for frame in frames if frame in state.slices]
    return min(newest, default=begun_ms)


async def begin_books(accounts: Sequence[AccountOnOkx], steps: Steps, now_ms: int) -> None:
    """The books of accounts that never traded begin with what the venue has: of all, or of none.

    The venue's time is asked after that: what it has by then is not told as a trade again.
    """
    begun: list[Event] = []
    for one in accounts:
        if steps.engine.state.has_begun(one.name):
            continue
        cash = await _cash(one)
        held = await one.broker.positions(one.account.symbols)
        venue_ms = await OkxQuestions(one.client).now_ms()
        one.broker.begin_books(venue_ms)
        begun.append(
            CashMoved(
                ts_event=venue_ms, ts_known=now_ms, account=one.name, movement_id=START,
                reason="deposit", amount=cash, currency=one.account.currency,
            )
        )  # fmt: skip
        begun += holdings_at_start(one.account, held, now_ms)
    if begun:
        steps.take(*begun)


async def _cash(one: AccountOnOkx) -> Decimal:
    """Of the account's currency. ConfigurationError if it has none."""
    balances = await OkxAccount(one.client).balances()
    held = balances.get(one.account.currency)
    if held is None or held.cash <= 0:
        raise ConfigurationError(
            "trading.no_money", f"account {one.name} holds no {one.account.currency}",
            hint=f"deposit {one.account.currency}, or give the look-alike "
            f"--balance {one.account.currency}=10000",
        )  # fmt: skip
    return held.cash
