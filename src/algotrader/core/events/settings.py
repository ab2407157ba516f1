"""Events of settings and strategies that were changed while the system ran, or were not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from algotrader.core.events.risk import OperatorRequest
from algotrader.core.ids import AccountId, StrategyId


class SettingChange(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that the file has otherwise than before. Values are text; None: not set."""

    key: str
    before: str | None
    after: str | None
    refused: str | None = None  # why it is not in force; None: it is


class SettingsReloaded(OperatorRequest, frozen=True, kw_only=True):
    """The settings file was read again, and what is safe to change holds from here on."""

    configuration_hash: str  # of what holds now
    settings: Mapping[str, Any]  # what holds now, as the file would have it
    changes: tuple[SettingChange, ...]


class SettingsRefused(OperatorRequest, frozen=True, kw_only=True):
    """The settings file could not be used: everything stays as it was."""

    text: str  # what is wrong


class StrategyReloaded(OperatorRequest, frozen=True, kw_only=True):
    """A strategy decides with other code or parameters from here on."""

    account: AccountId
    strategy: StrategyId
    parameters: Mapping[str, Any]
    source_hash: str  # of its code


class StrategyReloadRefused(OperatorRequest, frozen=True, kw_only=True):
    """A strategy could not be loaded anew: the one that runs goes on."""

    account: AccountId
    strategy: StrategyId
    text: str  # what is wrong
