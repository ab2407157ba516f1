"""Runs a reading command of this program in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from algotrader.ops.notification.commands import UnreadError

_COMMAND: Final = (
    "import sys; from algotrader.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
)
_LONGEST_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReader:
    """`await reader("status")` is what `algotrader status --json` prints."""

    folder: Path
    file: Path | None  # settings

    async def __call__(self, *words: str) -> Any:
        settings = () if self.file is None else ("--config", str(self.file))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _COMMAND, *words, "--json", *settings,
            cwd=self.folder, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_LONGEST_S):
                said, _ = await process.communicate()
        except TimeoutError:
            raise UnreadError(f"no answer within {_LONGEST_S:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            value = json.loads(said)
        except json.JSONDecodeError:
            raise UnreadError(f"the command {words[0]} ended with {process.returncode}") from None
        if isinstance(value, dict) and "error" in value:
            raise UnreadError(value["error"]["message"])
        return value
