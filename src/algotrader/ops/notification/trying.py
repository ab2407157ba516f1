"""A test message by every channel, at once and past the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from algotrader.core.ports import Severity
from algotrader.ops.config import Configuration
from algotrader.ops.notification.channels import Channel, ChannelError, Letter
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
