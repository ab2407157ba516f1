"""Real orders need two words: `mode: live` in the settings, and the account by name at the start."""

from __future__ import annotations

from collections.abc import Sequence

from algotrader.core.errors import ConfigurationError, UsageError
from algotrader.ops.config import COMMAND_LINE
from algotrader.ops.desk import Desk


def require_confirmed(desk: Desk, confirmed: Sequence[str]) -> None:
    """ConfigurationError or UsageError unless a live desk was confirmed, account by account."""
    configuration = desk.configuration
    if configuration.settings.trading.mode != "live":
        if confirmed:
            raise UsageError(
                "trading.not_live",
                f"--confirm-live was given, and trading.mode is {configuration.settings.trading.mode}",
                hint="real orders need trading: {mode: live} in algotrader.yaml too",
            )
        return
    if configuration.origins.get("trading.mode") == COMMAND_LINE:
        raise ConfigurationError(
            "trading.live_not_configured",
            "mode live was asked for on the command line, and the settings say otherwise",
            hint="write trading: {mode: live} into algotrader.yaml: both are needed",
        )
    names = [one.name for one in desk.accounts]
    if sorted(set(confirmed)) != sorted(names):
        wanted = " ".join(f"--confirm-live {name}" for name in names)
        given = f"{', '.join(confirmed)} was confirmed" if confirmed else "nothing was confirmed"
        raise ConfigurationError(
            "trading.live_unconfirmed",
            f"this desk sends real orders on account {', '.join(names)}, and {given}",
            hint=f"if that is meant: algotrader trade {wanted}",
        )
