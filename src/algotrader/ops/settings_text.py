"""Settings as plain text by dotted key, and what tells two of them apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from algotrader.core.events import SettingChange
from algotrader.ops.settings import Settings
from algotrader.risk.settings import RiskSettings

DECIDING: Final = frozenset({"trading", "accounts", "strategies", "risk", "backtest"})
"""Sections that decisions depend on. The journal keeps them; no secret stands in any."""


def deciding(settings: Settings, risk: RiskSettings) -> dict[str, Any]:
    """What the journal keeps of the settings: as the file has them, without defaults.

    `risk` are the limits that the engine holds: on paper those that need quotes are none of them.
    """
    kept = settings.model_dump(mode="json", exclude_unset=True, include=set(DECIDING))
    kept["risk"] = risk.model_dump(mode="json", exclude_unset=True)
    return {name: section for name, section in kept.items() if section}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[SettingChange]:
    """What differs between two, by key; what only one of them has is not set in the other."""
    old, new = dict(texts(before)), dict(texts(after))
    return [
        SettingChange(key=key, before=old.get(key), after=new.get(key))
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def sentence(change: SettingChange) -> str:
    """`risk.account.max_leverage: 3, was 2`."""
    before, after = (
        text if text is not None else "not set" for text in (change.before, change.after)
    )
    return f"{change.key}: {after}, was {before}"


def texts(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every value that is set, as text, with its dotted key."""
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from texts(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_text(item)}" for name, item in value.items())
    return str(value)
