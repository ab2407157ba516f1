"""The log lines of what the trader does: one for each event, by its topic."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
import structlog

from algotrader.core.events.codec import encode_symbol
from algotrader.live.subscription import Message

TOPICS: Final = ("order.*", "risk.*", "strategy.*", "system.*", "market.bar_closed")
_WARNINGS: Final = frozenset(
    {
        "order.denied", "order.rejected", "order.unknown", "order.amend_refused",
        "order.cancel_refused", "order.impossible_reply", "risk.tripped", "risk.halt_requested",
        "risk.rearm_refused", "risk.limit_change_refused", "system.heartbeat_missed",
        "system.missed",
    }
)  # fmt: skip
_ERRORS: Final = frozenset({"risk.liquidated"})
_DETAILS: Final = frozenset(
    {
        "market.bar_closed", "strategy.answered", "strategy.decided", "risk.account_marked",
        "system.timer_fired", "order.intent_raised", "order.seen", "order.position_changed",
    }
)  # fmt: skip
LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {
        **dict.fromkeys(_WARNINGS, logging.WARNING),
        **dict.fromkeys(_ERRORS, logging.ERROR),
        **dict.fromkeys(_DETAILS, logging.DEBUG),
    }
)
"""Of topics that are not `info`."""
_INNER: Final = ("order", "intent", "fill", "terms")
_LEFT_OUT: Final = ("kind", "v", "version", "state_hash", "gate_sequence", "order", "intent", "fill",
                    "terms", "protection", "settings", "sources")  # fmt: skip


class EventLines:
    """A listener of the bus."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        self._log = log

    def hear(self, message: Message) -> None:
        level = LEVELS.get(message.topic, logging.INFO)
        if self._log.isEnabledFor(level):
            self._log.log(level, message.topic, **fields_of(message))


def fields_of(message: Message) -> dict[str, Any]:
    """What an event says, without its inner structure; what is absent is left out."""
    plain = msgspec.to_builtins(message.body, enc_hook=encode_symbol)
    found: dict[str, Any] = {}
    _gather(plain, found)
    if "order_id" in found:
        found["order"] = found.pop("order_id")
    found.pop("event", None)  # the name of the line itself
    return found


def _gather(plain: Mapping[str, Any], found: dict[str, Any]) -> None:
    for key, value in plain.items():
        if key not in _LEFT_OUT and value not in (None, [], {}):
            found.setdefault(key, value)
    for key in _INNER:
        inner = plain.get(key)
        if isinstance(inner, dict):
            _gather(inner, found)
