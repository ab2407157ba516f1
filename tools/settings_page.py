"""Every setting of algotrader.yaml with what it may be, its default and its meaning, as a page."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from algotrader.cli.config import plain
from algotrader.ops.config import default_of, field_of, keys
from algotrader.ops.setting_rows import is_duration, type_name
from algotrader.risk.kinds import written

_TOP = """# Settings

Every setting of `algotrader.yaml`. `NAME` stands for a name of your own. What has no default and is
not required is absent until somebody says it. How the file, `.env`, the environment and the command
line go together is told in [Configuration](../guides/configuration.md); each risk rule with an
example in [Risk rules](risk-rules.md).

"""


def page() -> str:
    """The page `docs/reference/settings.md`, without the note on who made it."""
    parts = [_TOP]
    for section, named in groupby(keys(), key=lambda key: key.partition(".")[0]):
        parts.append(
            f"## {section}\n\n| setting | may be | default | meaning |\n|---|---|---|---|\n"
        )
        parts.extend(_row(key) for key in named)
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def _row(key: str) -> str:
    kind, description = field_of(key)
    default = default_of(key)
    if isinstance(default, int) and is_duration(kind):
        default = written(default)
    cells = (f"`{key}`", type_name(kind), _default(default), description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(value: Any) -> str:
    if value is ...:
        return "required"
    if value is None or value in ((), {}):
        return ""
    shown = list(value) if isinstance(value, tuple) else value
    return f"`{plain(str(shown) if isinstance(shown, Path) else shown)}`"
