"""A test message by every channel, at once and past the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from algotrader.core.errors import RunError
from algotrader.core.ports import Severity
from algotrader.ops.adapters.telegram import TelegramClient, Writer, who_wrote
from algotrader.ops.config import Configuration
from algotrader.ops.notification.channels import Channel, ChannelError, Letter
from algotrader.ops.notification.settings import SECRETS
from algotrader.ops.notification.wiring import (
    build_channels,
    channel_secrets,
    require_channels,
    telegram_clients,
    texts_of,
)
from algotrader.ops.secrets import secrets_of

_LONGEST_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """What came of one channel; `trouble` is None where the message was delivered."""

    channel: str
    kind: str
    trouble: str | None

    def as_dict(self) -> dict[str, str | bool | None]:
        delivered = self.trouble is None
        return {
            "channel": self.channel, "kind": self.kind, "delivered": delivered,
            "trouble": self.trouble,
        }  # fmt: skip


async def try_channels(configuration: Configuration, environment: Mapping[str, str]) -> list[Try]:
    """ConfigurationError if there is no channel, or a secret is missing; UsageError without the extra."""
    settings = configuration.settings.notification
    require_channels(settings)
    secrets = channel_secrets(configuration, secrets_of(configuration, environment))
    channels = build_channels(settings, secrets, telegram_clients(settings, secrets))
    texts = texts_of(settings)
    tries = []
    for name, channel in channels.items():
        letter = Letter(
            number=0, severity=Severity.INFO, title=texts.say("test_title"),
            text=texts.say("test_text", name=name),
        )  # fmt: skip
        trouble = await _tried(channel, letter)
        tries.append(Try(channel=name, kind=settings.channels[name].kind, trouble=trouble))
    return tries


async def writers(configuration: Configuration, environment: Mapping[str, str]) -> list[Writer]:
    """Who wrote to the bot of the first Telegram channel, or of the usual token.

    ConfigurationError if there is no token, RunError if Telegram does not say.
    """
    channels = configuration.settings.notification.channels.values()
    bots = [(one.secret_name, one.url) for one in channels if one.kind == "telegram"]
    name, url = bots[0] if bots else (SECRETS["telegram"], None)
    hint = f"algotrader secrets set {name}, with the token that BotFather gave"
    (token,) = secrets_of(configuration, environment).require([name], hint=hint)
    client = TelegramClient(token, url)
    try:
        return await who_wrote(client)
    except ChannelError as error:
        raise RunError("notification.telegram", f"Telegram does not say: {error}") from None
    finally:
        await client.close()


async def _tried(channel: Channel, letter: Letter) -> str | None:
    try:
        async with asyncio.timeout(_LONGEST_S):
            await channel.send(letter)
    except ChannelError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {_LONGEST_S:g} s"
    finally:
        await channel.close()
    return None
