"""What strategies declare, read in a process of its own: `python -m algotrader.ops.describing USE…`

Loading a strategy runs its file. Who serves the console does not run people's files itself, and
the process that does has no secrets and no network (F81).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from algotrader.core.errors import AlgotraderError, RunError
from algotrader.ops.without_network import leave_network

_LONGEST_S: Final = 60.0


def described(use: str) -> dict[str, Any]:
    """Name, docstring and parameters of a strategy, or the error why it cannot be loaded."""
    from algotrader.strategy.loader import load

    try:
        kind = load(use).kind
    except AlgotraderError as error:
        return _undescribed(use, error)
    return {
        "use": use,
        "name": kind.__name__,
        "about": (kind.__doc__ or "").strip().partition("\n")[0],
        "panel": kind.panel,
        "error": None,
        "parameters": [
            {
                "name": name, "kind": type(one.default).__name__, "default": one.default,
                "low": one.low, "high": one.high, "step": one.step,
                "choices": None if one.choices is None else list(one.choices), "help": one.help,
            }
            for name, one in kind.parameters.items()
        ],
    }  # fmt: skip


def _undescribed(use: str, error: AlgotraderError) -> dict[str, Any]:
    return {
        "use": use, "name": use, "about": "", "panel": False, "parameters": [],
        "error": error.as_dict(),
    }  # fmt: skip


async def describe(
    uses: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The same of several, from a process of their own. RunError if it does not answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "algotrader.ops.describing", *uses, cwd=folder, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_LONGEST_S):
            told, _ = await process.communicate()
        rows: list[dict[str, Any]] = msgspec.json.decode(told.splitlines()[-1])
    except (TimeoutError, msgspec.DecodeError, IndexError) as error:
        raise RunError(
            "strategy.undescribed", "the strategies' files could not be read",
            hint="algotrader check FILE says what is wrong with one",
        ) from error  # fmt: skip
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return rows


def main(uses: Sequence[str]) -> list[dict[str, Any]]:
    """What each declares, told by a process that has left the network first. None without that."""
    try:
        leave_network()
    except RunError as error:
        return [_undescribed(use, error) for use in uses]
    return [described(use) for use in uses]


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(main(sys.argv[1:])).decode() + "\n")
