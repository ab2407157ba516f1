"""Halt where the settings cannot be read: a slip in a file must not keep a person from stopping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from algotrader.core.errors import AlgotraderError
from algotrader.core.events import TradingMode
from algotrader.core.ids import AccountId
from algotrader.live.requests import Request
from algotrader.ops.asking import ask_of_accounts, is_held
from algotrader.ops.config import PREFIX, find_file
from algotrader.ops.settings import WorkspaceSettings
from algotrader.ops.yaml_lines import read_yaml


def halt_anyway(
    config: Path | None,
    environment: Mapping[str, str],
    accounts: Sequence[str] | None,
    reason: str,
    *,
    flatten: bool,
) -> tuple[list[str], bool]:
    """Leave a halt for the trader whose journal is beside the settings; which accounts, and whether
    a trader is there to hear it.

    Its accounts are those of its last start. UsageError for another, or where there is no journal;
    RunError if the request cannot be left.
    """
    journal = _journal(config or find_file(Path.cwd()), environment)
    asked = Request(account=AccountId(""), mode=TradingMode.HALTED, reason=reason, flatten=flatten)
    return ask_of_accounts(journal, (), asked, accounts), is_held(journal)


def _journal(file: Path | None, environment: Mapping[str, str]) -> Path:
    """Where it is, as far as the settings can be read; else where it is by default."""
    folder = Path.cwd() if file is None else file.resolve().parent
    named = environment.get(f"{PREFIX}WORKSPACE__JOURNAL") or _written(file)
    return folder / (named or WorkspaceSettings().journal)


def _written(file: Path | None) -> str | None:
    try:
        text = "" if file is None else file.read_text(encoding="utf-8", errors="replace")
        workspace = read_yaml(text, "").values.get("workspace")
    except (OSError, AlgotraderError):
        return None
    named = workspace.get("journal") if isinstance(workspace, dict) else None
    return named if isinstance(named, str) else None
