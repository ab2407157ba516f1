"""The settings that the running trader holds, beside those that this process has read."""

from __future__ import annotations

import logging
import os

from algotrader.api.serving import Serving
from algotrader.core.errors import AlgotraderError
from algotrader.core.events import SettingsReloaded
from algotrader.engine.state import EngineState
from algotrader.ops.config import Configuration
from algotrader.ops.reload_asking import holding_since
from algotrader.ops.settings_text import deciding, differences

log = logging.getLogger(__name__)


def adopt(serving: Serving, event: SettingsReloaded) -> None:
    """The trader has read its file again, whoever asked it to: what holds there holds here."""
    try:
        serving.configuration = holding_since(event, serving.configuration, os.environ)
    except (AlgotraderError, ValueError) as error:  # the file was changed once more since
        log.warning("settings that were read again cannot be followed: %s", error)


def held_otherwise(configuration: Configuration, state: EngineState) -> dict[str, str | None]:
    """By key what the trader holds instead, of the sections that decide; None: not set there."""
    settings = configuration.settings
    is_paper = (state.inforce.execution or settings.trading.mode) == "paper"
    risk = settings.risk.without_live_only() if is_paper else settings.risk
    found = differences(deciding(settings, risk), state.inforce.settings)
    return {one.key: one.after for one in found}
