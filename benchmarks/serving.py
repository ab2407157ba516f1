"""A console that is served for a measurement, in a process of its own as `algotrader run api` is."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from algotrader.api.access import OWNER, Role
from algotrader.api.app import serving_of
from algotrader.api.passwords import hashed
from algotrader.ops.config import load

PASSWORD = "four words that differ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    pid: int
    port: int
    token: str  # of an admin

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """User and system, so far."""
        parts = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """`algotrader run api` over a workspace, once it answers."""
    port = free_port()
    configuration = folder / "algotrader.yaml"
    parts = serving_of(load(configuration, environment={}))
    _, token = parts.access.make_token("benchmark", Role.ADMIN, "benchmark", None)
    parts.access.keep_person(OWNER, Role.ADMIN, asyncio.run(hashed(PASSWORD)))
    parts.access.close()
    words = [sys.executable, "-m", "algotrader", "run", "api", "--config", str(configuration)]
    process = subprocess.Popen(
        words, cwd=folder, env={**os.environ, "ALGOTRADER__API__PORT": str(port)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until_served(port, token, process)
        yield Served(pid=process.pid, port=port, token=token)
    finally:
        process.kill()
        process.wait()


def wait_until_served(port: int, token: str, process: subprocess.Popen[bytes]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/accounts", headers={"Authorization": f"Bearer {token}"}
    )
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=15):
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.1)
    raise SystemExit("the API did not come up")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
