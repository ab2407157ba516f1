"""How an account reaches OKX: its API key, and which of OKX's places it is for."""

from __future__ import annotations

from typing import Final

from algotrader.data.adapters.okx.rest import OkxAddress, OkxKeys
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.live.settings import TradingSettings
from algotrader.ops.secrets import Secrets

PARTS: Final = ("KEY", "SECRET", "PASSPHRASE")


def key_names(prefix: str) -> tuple[str, str, str]:
    """`ALGOTRADER_OKX_KEY` and its two companions."""
    key, secret, passphrase = (f"{prefix}_{part}" for part in PARTS)
    return key, secret, passphrase


def okx_keys(secrets: Secrets, prefix: str) -> OkxKeys:
    """ConfigurationError names what is missing, never a value (F68)."""
    key, secret, passphrase = secrets.require(
        key_names(prefix),
        hint="put the three of an API key that may trade and not withdraw in .env",
    )
    return OkxKeys(key=key, secret=secret, passphrase=passphrase)


def okx_client(keys: OkxKeys, trading: TradingSettings) -> OkxClient:
    return OkxClient(keys, okx_address(trading))


def okx_address(trading: TradingSettings) -> OkxAddress:
    """Real trading is where the mode is `live` alone; everything else is demo trading, or a url."""
    is_demo = trading.mode != "live" and trading.url is None
    return OkxAddress(base_url=trading.url, sandbox=is_demo, is_limited=trading.rate_limits)


def place(trading: TradingSettings) -> str:
    """Where that is, in words."""
    if trading.url is not None:
        return trading.url
    return "OKX" if trading.mode == "live" else "OKX's demo trading"
