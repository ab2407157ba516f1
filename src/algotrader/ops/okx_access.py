"""How an account reaches OKX: its API key, and which of OKX's places it is for."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

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
    """Real trading is where the mode is `live` alone; everything else is demo trading.

    Whatever `url` says: it may be another host of OKX's, or a tunnel to one, which would take a
    request without the mark of demo trading for a real order. A look-alike does not mind the mark.
    """
    is_demo = trading.mode != "live"
    return OkxAddress(base_url=trading.url, sandbox=is_demo, is_limited=trading.rate_limits)


def is_okx(url: str | None) -> bool:
    """Whether an address, or none, is OKX's own and no look-alike's."""
    host = "okx.com" if url is None else urlsplit(url).hostname or ""
    return host == "okx.com" or host.endswith(".okx.com")


def venue_name(trading: TradingSettings) -> str:
    """Whose accounts are meant, for who keeps traders of one account apart: OKX has many hosts."""
    if trading.url is not None and not is_okx(trading.url):
        return trading.url
    return "OKX" if trading.mode == "live" else "OKX's demo trading"


def place(trading: TradingSettings) -> str:
    """Where that is, in words."""
    name = venue_name(trading)
    return name if trading.url in (None, name) else f"{name} at {trading.url}"
