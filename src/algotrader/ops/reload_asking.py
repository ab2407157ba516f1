"""Ask a running trader to read its settings file again, and hear what holds since."""

from __future__ import annotations

from collections.abc import Mapping

from algotrader.core.errors import ConfigurationError
from algotrader.core.events import Event, SettingsRefused, SettingsReloaded
from algotrader.live.requests import CHANNEL, OPERATOR, ReloadRequest
from algotrader.ops.asking import WAIT_S, answered
from algotrader.ops.config import Configuration
from algotrader.ops.reloading import Reload, in_force, read_again


def ask_to_reload(
    configuration: Configuration,
    reason: str,
    *,
    by: str = OPERATOR,
    channel: str = CHANNEL,
    wait_s: float = WAIT_S,
) -> SettingsReloaded | None:
    """What changed and what did not; None if no trader answered in time.

    ConfigurationError if the file cannot be used: the trader goes on as it was.
    """
    asked = ReloadRequest(reason=reason, by=by, channel=channel)
    step = answered(configuration, asked, _is_answer, wait_s=wait_s)
    for event in step or ():
        if isinstance(event, SettingsRefused):
            raise ConfigurationError(
                "config.reload_refused", f"the trader goes on as it was: {event.text}"
            )
        if isinstance(event, SettingsReloaded):
            return event
    return None


def holding_since(
    reloaded: SettingsReloaded, before: Configuration, environment: Mapping[str, str]
) -> Configuration:
    """The settings that hold since a reload, of which `before` held until it."""
    wanted = read_again(before, environment)
    return in_force(Reload(configuration=wanted, changes=reloaded.changes), before)


def _is_answer(event: Event) -> bool:
    return isinstance(event, SettingsReloaded | SettingsRefused)
