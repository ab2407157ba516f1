"""Every sentence that a person is sent, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

from algotrader.core.instants import utc_at
from algotrader.ops.notification.alerts import Message, Parcel

Language = Literal["en", "zh"]
_LINES: Final = 30  # of a digest

CATALOGUE: Final[Mapping[str, Mapping[Language, str]]] = {
    "digest": {"en": "{count} messages", "zh": "{count} 条消息"},
    "more": {"en": "and {count} more", "zh": "另有 {count} 条"},
    "repeated": {
        "en": "{count} more like it since, the last at {time}",
        "zh": "此后又发生 {count} 次，最近一次 {time}",
    },
    "channel_broken": {
        "en": "Channel {name} does not deliver",
        "zh": "通道 {name} 无法送达",
    },
    "channel_off": {
        "en": "{trouble}. It is not tried again before the next start: mend the settings.",
        "zh": "{trouble}。修正设置并重新启动之前不再尝试。",
    },
    "channel_retried": {
        "en": "{trouble}. It is tried again; what waits for it is kept.",
        "zh": "{trouble}。将继续重试，待发消息已保留。",
    },
    "test_title": {"en": "A test", "zh": "测试消息"},
    "test_text": {
        "en": "AlgorithmTrader can reach you by {name}.",
        "zh": "AlgorithmTrader 可以通过 {name} 联系到你。",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The catalogue in one language, with times by the clock of one zone."""

    language: Language = "en"
    zone: str = "UTC"

    def say(self, key: str, **fields: object) -> str:
        """A sentence with its fields filled in. KeyError for one that is not there."""
        return CATALOGUE[key][self.language].format(**fields)

    def time(self, at_ms: int) -> str:
        return utc_at(at_ms).astimezone(ZoneInfo(self.zone)).strftime("%m-%d %H:%M:%S")

    def parcel(self, parcel: Parcel) -> tuple[str, str]:
        """Title and text of what is sent."""
        if not parcel.is_digest:
            message = parcel.waiting[0].message
            return message.notice.title, "\n".join(self._lines(message))
        count = len(parcel.waiting)
        shown = [waiting.message for waiting in parcel.waiting[-_LINES:]]
        lines = [f"{self.time(one.at_ms)} {one.notice.title}" for one in shown]
        if count > _LINES:
            lines.append(self.say("more", count=count - _LINES))
        return self.say("digest", count=count), "\n".join(lines)

    def channel_broken(self, name: str, trouble: str, *, for_good: bool) -> tuple[str, str]:
        key = "channel_off" if for_good else "channel_retried"
        return self.say("channel_broken", name=name), self.say(key, trouble=trouble)

    def _lines(self, message: Message) -> list[str]:
        notice = message.notice
        lines = [] if notice.text == notice.title else [notice.text]
        if message.repeated:
            time = self.time(message.at_ms)
            lines.append(self.say("repeated", count=message.repeated, time=time))
        return lines
