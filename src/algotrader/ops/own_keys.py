"""Each account of an exchange has a key of its own."""

from __future__ import annotations

from collections.abc import Mapping

from algotrader.core.errors import ConfigurationError
from algotrader.live.settings import AccountSettings
from algotrader.ops.config import Configuration


def require_own_keys(accounts: Mapping[str, AccountSettings]) -> None:
    """ConfigurationError for two accounts, by name, that use the same key."""
    named: dict[str, str] = {}
    for name in sorted(accounts):
        keys = accounts[name].keys
        other = named.setdefault(keys, name)
        if other != name:
            own = f"ALGOTRADER_OKX_{name.upper().replace('-', '_')}"
            raise ConfigurationError(
                "trading.same_keys",
                f"accounts {other} and {name} both use the key {keys}_KEY: one key is of one "
                "account",
                hint=f"accounts: {{{name}: {{keys: {own}}}}}, and put its three secrets in .env",
            )


def require_keys_of_traded(configuration: Configuration) -> None:
    """The same for the accounts that a desk trades. On paper there are no keys."""
    settings = configuration.settings
    if settings.trading.mode == "paper":
        return
    traded = {one.account for one in settings.strategies.values()}
    require_own_keys({name: one for name, one in settings.accounts.items() if name in traded})
