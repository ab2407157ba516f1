"""Whether an account at a venue is fit to trade with: what `algotrader doctor okx` shows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from algotrader.core.errors import UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.core.spelling import hint_among
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.execution.adapters.okx.examination import AccountCheck, examine_okx
from algotrader.live.settings import AccountSettings, TradingSettings
from algotrader.ops.config import Configuration
from algotrader.ops.health import Check
from algotrader.ops.okx_access import key_names, okx_client, okx_keys, place
from algotrader.ops.okx_admission import has_own_clock
from algotrader.ops.okx_terms import Terms
from algotrader.ops.secrets import Secrets, secrets_of


def examine_account(
    configuration: Configuration, environment: Mapping[str, str], account: str | None = None
) -> list[Check]:
    """Ask OKX about one account's key and settings, changing nothing.

    ConfigurationError if the key is nowhere, UsageError for an account that is not configured.
    """
    name, settings = _account(configuration, account)
    secrets = secrets_of(configuration, environment)
    trading = configuration.settings.trading
    client = okx_client(okx_keys(secrets, settings.keys), trading)

    symbols = _symbols(configuration, name)

    async def ask() -> list[AccountCheck]:
        try:
            swaps = any(symbol.kind is InstrumentKind.PERPETUAL for symbol in symbols)
            found = await examine_okx(
                client, lambda: utc_ms(SystemClock().now()), trades_swaps=swaps
            )
            terms = Terms(client, settings.margin, configuration.settings.risk)
            return [*found, *(await terms.checks(symbols) if _is_known(found) else ())]
        finally:
            await client.close()

    found = [_own_clock(one, trading) for one in asyncio.run(ask())]
    return [_where(configuration), _key(secrets, settings), *map(_shown, found)]


def _own_clock(check: AccountCheck, trading: TradingSettings) -> AccountCheck:
    """A look-alike lives in the time of the bars it replays, and a start does not mind."""
    if check.subject != "clock" or not has_own_clock(trading):
        return check
    return replace(check, is_fine=True, mend="")


def _account(configuration: Configuration, wanted: str | None) -> tuple[str, AccountSettings]:
    """The account meant: the one named, the only one, or `main`."""
    accounts = configuration.settings.accounts or {"main": AccountSettings()}
    name = wanted or ("main" if "main" in accounts else min(accounts))
    if name not in accounts:
        raise UsageError(
            "usage.account",
            f"no account is called {name!r}",
            hint=hint_among(name, accounts, f"accounts are: {', '.join(accounts)}"),
        )
    return name, accounts[name]


def _symbols(configuration: Configuration, account: str) -> tuple[Symbol, ...]:
    """What the account's strategies trade on OKX."""
    named = {
        Symbol.parse(text)
        for one in configuration.settings.strategies.values()
        if one.account == account
        for text in one.symbols
    }
    return tuple(sorted(symbol for symbol in named if symbol.venue == "OKX"))


def _is_known(found: list[AccountCheck]) -> bool:
    """Whether the key opened the account at all."""
    return not any(one.subject in ("connection", "key") for one in found)


def _where(configuration: Configuration) -> Check:
    return Check(subject="venue", state="ok", says=place(configuration.settings.trading))


def _key(secrets: Secrets, settings: AccountSettings) -> Check:
    places = ", ".join(f"{name} from {secrets.place(name)}" for name in key_names(settings.keys))
    return Check(subject="secrets", state="ok", says=places)


def _shown(check: AccountCheck) -> Check:
    return Check(
        subject=check.subject,
        state="ok" if check.is_fine else "broken",
        says=check.says,
        mend=check.mend,
    )
