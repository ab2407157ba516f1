"""The vocabulary depends on nothing but the standard library, numpy and msgspec."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import algotrader.core

FOLDER = Path(algotrader.core.__file__).parent
ALLOWED = {*sys.stdlib_module_names, "numpy", "msgspec"}
LAZY = {("sessions/exchange.py", "exchange_calendars")}
MODULES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py"))


def imported(module: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse((FOLDER / module).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_core_imports_only_what_it_may(module: str) -> None:
    foreign = {
        name
        for name in imported(module)
        if name.split(".")[0] not in ALLOWED and not name.startswith("algotrader.core")
    }

    assert foreign <= {name for place, name in LAZY if place == module}


def test_importing_all_of_core_loads_no_heavy_library() -> None:
    names = [
        "algotrader.core." + module.removesuffix(".py").replace("/", ".")
        for module in MODULES
        if not module.endswith("__init__.py")
    ]
    script = f"import sys, {', '.join(names)}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"pandas", "polars", "exchange_calendars", "pyarrow", "pydantic"} & set(loaded)
