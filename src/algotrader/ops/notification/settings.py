"""The section `notification` of algotrader.yaml: who is told what, where, when, in which language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from algotrader.core.ports import Severity
from algotrader.live.settings import NAME, Number, Section

SECRETS: Final = {"telegram": "ALGOTRADER_TELEGRAM_TOKEN", "apprise": "ALGOTRADER_APPRISE_URL"}
Loudness = Literal["off", "info", "important", "critical"]
Topic = Literal[
    "order", "fill", "position", "risk", "failure", "signal", "data", "summary", "research"
]
USUAL: Final[Mapping[Topic, Loudness]] = {
    "order": "off",
    "fill": "info",
    "position": "info",
    "risk": "info",
    "failure": "info",
    "signal": "info",
    "data": "info",
    "summary": "info",
    "research": "info",
}
"""How loud a topic is told at least; what is worse by itself is told as what it is."""


def _clock_time(value: object) -> object:
    """`23:00`, which YAML reads as 23 * 60."""
    if isinstance(value, int) and 0 <= value < 24 * 60:
        return time(*divmod(value, 60))
    if isinstance(value, str):
        try:
            return time.fromisoformat(value)
        except ValueError as error:
            raise ValueError("write a time of day like 07:30") from error
    return value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("no such time zone; write it like Asia/Shanghai or UTC") from error
    return name


TimeOfDay = Annotated[
    time,
    BeforeValidator(_clock_time),
    PlainSerializer(lambda at: at.strftime("%H:%M"), return_type=str),
]


class QuietSettings(Section):
    """When only what is critical is told; the rest waits."""

    begin: TimeOfDay | None = Field(None, description="time of day, such as 23:00; absent: never")
    end: TimeOfDay | None = Field(None, description="time of day, such as 07:00")

    @model_validator(mode="after")
    def _both(self) -> QuietSettings:
        if (self.begin is None) != (self.end is None):
            raise ValueError("quiet hours need both begin and end")
        return self


class ChannelSettings(Section):
    """One way to a person."""

    kind: Literal["telegram", "apprise"] = Field(
        description="telegram: a bot; apprise: any address it knows (DingTalk, Feishu, WeCom, mail)"
    )
    variable: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = Field(
        None,
        description="name of the secret: a bot's token, or an address; absent: "
        "ALGOTRADER_TELEGRAM_TOKEN, ALGOTRADER_APPRISE_URL",
    )
    chats: tuple[int, ...] = Field((), description="Telegram: chats that are told, by their number")
    users: tuple[int, ...] = Field(
        (), description="Telegram: people whose commands are obeyed, by their number; none: nobody"
    )
    least: Literal["info", "important", "critical"] = Field(
        "info", description="what is less severe is not told here"
    )
    per_minute: Annotated[Number, Field(gt=0, le=60)] = Field(
        15.0, description="messages a minute at most, in the long run"
    )
    url: str | None = Field(
        None, description="Telegram: another server of its Bot API; absent: Telegram's own"
    )

    @model_validator(mode="after")
    def _fits(self) -> ChannelSettings:
        if self.kind == "telegram" and not self.chats:
            raise ValueError("a telegram channel needs chats: the number of at least one")
        if self.kind == "apprise" and (self.chats or self.users or self.url):
            raise ValueError("chats, users and url belong to telegram")
        return self

    @property
    def secret_name(self) -> str:
        """What its token or address is kept under: never in the file itself (F69)."""
        return self.variable or SECRETS[self.kind]


class NotificationSettings(Section):
    """Who is told what."""

    language: Literal["en", "zh"] = Field("en", description="of the messages")
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="of quiet hours, and of times in messages"
    )
    quiet: QuietSettings = QuietSettings()
    severities: Mapping[Topic, Loudness] = Field(
        {},
        description="by topic, how loud at least, or off: order (off), fill, position, risk, "
        "failure, signal, data, summary, research (info)",
    )
    window_s: Annotated[Number, Field(ge=1, le=3600)] = Field(
        600.0, description="notices of one cause within it are one message"
    )
    finished_after_s: Annotated[Number, Field(ge=0)] = Field(
        60.0, description="tell of a backtest or sweep that took at least so long"
    )
    channels: dict[Annotated[str, Field(pattern=NAME)], ChannelSettings] = Field(
        {}, description="by name: the ways to a person; the first ones stand in for the others"
    )

    def loudness(self, topic: Topic, severity: Severity) -> Severity | None:
        """How loud a notice of a topic is told; None if it is not told at all."""
        least = self.severities.get(topic, USUAL[topic])
        if least == "off":
            return None
        order = list(Severity)
        return max(severity, Severity(least), key=order.index)
