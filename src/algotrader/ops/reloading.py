"""Which settings may change while a trader runs, and why the others may not."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from algotrader.core.errors import ConfigurationError
from algotrader.core.events import SettingChange
from algotrader.ops.config import COMMAND_LINE, Configuration, load
from algotrader.ops.settings import Settings
from algotrader.ops.settings_text import differences
from algotrader.risk.loosening import loosens

_PARAMETER: Final = re.compile(r"strategies\.([^.]+)\.parameters\.[^.]+")
SIZED_WITH: Final = frozenset(
    {"risk.account.max_leverage", "risk.instrument.max_weight", "risk.instrument.max_notional"}
)
_LEVELS: Final = frozenset({"logging.level", "logging.terminal"})
_WHOLE: Final = ("strategies", "accounts", "risk")
"""Sections that nobody takes out of the file of a running trader."""
_WHY: Final[Mapping[str, str]] = {
    "workspace": "its files are open there",
    "trading": "it decides how and where orders are sent",
    "accounts": "the account's books began with it",
    "strategies": "instruments, history and books are set up for it",
    "backtest": "orders are sized with it",
    "secrets": "keys are read once",
    "notification": "no channel was set up",
    "logging": "the log is open",
    "collect": "the collector is set up with it",
    "jobs": "jobs are planned with it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """What reading the file again comes to. `settings` are those that would be in force."""

    configuration: Configuration
    changes: tuple[SettingChange, ...]

    def applied(self) -> Iterator[SettingChange]:
        yield from (one for one in self.changes if one.refused is None)

    def parameters(self) -> frozenset[str]:
        """The strategies of which a parameter changes."""
        matched = (_PARAMETER.fullmatch(one.key) for one in self.applied())
        return frozenset(found[1] for found in matched if found is not None)

    def changes_of(self, section: str) -> bool:
        """Whether something of a section would change."""
        return any(one.key.startswith(f"{section}.") for one in self.applied())

    def refusing(self, prefix: str, why: str) -> Reload:
        """The same without the changes of the keys that begin so."""
        changes = tuple(
            msgspec.structs.replace(one, refused=why) if one.key.startswith(prefix) else one
            for one in self.changes
        )
        return replace(self, changes=changes)


def read_again(running: Configuration, environment: Mapping[str, str]) -> Configuration:
    """The file as it is now. ConfigurationError if it cannot be used; what runs is untouched.

    What was said on the command line of the trader goes on to win.
    """
    said = {
        key: running.value(key) for key, origin in running.origins.items() if origin == COMMAND_LINE
    }
    wanted = load(running.file, environment=environment, overrides=said, start=running.folder)
    _require_whole(running, wanted)
    return wanted


def _require_whole(running: Configuration, wanted: Configuration) -> None:
    """A file that a full disk or an editor cut short is still YAML, and would lift every limit."""
    held, left = running.settings.model_fields_set, wanted.settings.model_fields_set
    for section in _WHOLE:
        if section in held and section not in left:
            name = running.file.name if running.file else "the settings"
            raise ConfigurationError(
                "config.cut_short",
                f"{name}: the section {section} is gone: is the file whole?",
                hint="save it whole; what is meant to go takes a restart",
            )


def judge(running: Configuration, wanted: Configuration, *, kept_bars: int) -> Reload:
    """Every change, with the reason why it needs a restart where it does.

    `kept_bars`: rows of history that rules may look back at without one.
    """
    before, after = _dumped(running.settings), _dumped(wanted.settings)
    changes = tuple(
        msgspec.structs.replace(
            one, refused=_refusal(one, running.settings, wanted.settings, kept_bars)
        )
        for one in differences(before, after)
    )
    return Reload(configuration=wanted, changes=changes)


def in_force(reload: Reload, running: Configuration) -> Configuration:
    """The wanted configuration without what was refused.

    ValueError if what is left does not fit together.
    """
    values = _dumped(reload.configuration.settings)
    old = _dumped(running.settings)
    for change in reload.changes:
        if change.refused is not None:
            _put_back(values, old, change.key.split("."))
    settings = Settings.model_validate(_pruned(values, old))
    return replace(reload.configuration, settings=settings)


def _dumped(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude_unset=True)


def needs_restart(key: str, running: Settings) -> str | None:
    """Why no change of a setting holds before a restart; None where a running trader takes it."""
    section = key.partition(".")[0]
    if section == "notification" and running.notification.channels:
        return None  # the notifier takes it from the journal
    if section == "risk" or _PARAMETER.fullmatch(key) or key in _LEVELS:
        return None
    return f"needs a restart: {_WHY.get(section, 'it is read at the start alone')}"


def _refusal(
    change: SettingChange, running: Settings, wanted: Settings, kept_bars: int
) -> str | None:
    if (why := needs_restart(change.key, running)) is not None:
        return why
    if change.key in SIZED_WITH and loosens(change.key, change.before, change.after):
        return "needs a restart: targets are sized with the lower one"
    if change.key.startswith("risk.rules") and wanted.risk.history_bars() > kept_bars:
        return (
            f"needs a restart: its rules look back {wanted.risk.history_bars()} bars, "
            f"{kept_bars} are kept"
        )
    return None


def _put_back(values: dict[str, Any], old: Mapping[str, Any], key: list[str]) -> None:
    """Give `values` what `old` has at a key; nothing where `old` has nothing."""
    for name in key[:-1]:
        values = values.setdefault(name, {})
        found = old.get(name, {})
        old = found if isinstance(found, Mapping) else {}
    if key[-1] in old:
        values[key[-1]] = copy.deepcopy(old[key[-1]])
    else:
        values.pop(key[-1], None)


def _pruned(values: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Without the sections of which everything was put back, where there were none before."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        before = old.get(name)
        if isinstance(value, Mapping):
            value = _pruned(value, before if isinstance(before, Mapping) else {})
        if value != {} or before is not None:
            kept[name] = value
    return kept
