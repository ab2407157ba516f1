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
    """What was asked of a strategy cannot be: it goes on as it was."""

    account: AccountId
    strategy: StrategyId
    text: str  # what is wrong


class ParametersSet(OperatorRequest, frozen=True, kw_only=True):
    """A strategy decides with other parameters from here on, whatever the file says of them."""

    account: AccountId
    strategy: StrategyId
    by_hand: Mapping[str, Any]  # all that hold in place of the file's, also over restarts
    parameters: Mapping[str, Any]  # what holds now, with the file's
    changes: tuple[SettingChange, ...]
    configuration_hash: str  # of what holds now


class StrategyUnloadRequested(OperatorRequest, frozen=True, kw_only=True):
    """A person asks that a strategy be put away: asked no more, and out of the worker."""

    account: AccountId
    strategy: StrategyId


class StrategyUnloaded(OperatorRequest, frozen=True, kw_only=True):
    """A strategy that held nothing decides no more until it is loaded again."""

    account: AccountId
    strategy: StrategyId
