"""The API beside a trader of ten strategies: its answers, what it costs the trader, memory.

python -m benchmarks.bench_api [--size SECONDS]

The trader trades a bar every few hundredths of a second, each step on the disk. In turn the API is
stopped (SIGSTOP) and asked for lists a hundred times a second, so that the trader meets the same
machine with it and without it. Latency of an answer counts from when it was due, not from when it
was sent. Then two hundred listeners join, and the memory is taken again.

Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench_live import HISTORY_ROWS, PAUSE_S, desk_folder
from benchmarks.child import resident_mb
from benchmarks.serving import Served, served

RATE = 100  # requests a second
CONNECTIONS = 10
SETTLE_S = 2.0  # after the API goes on, until it has read what was written meanwhile
ROUNDS = 4  # each with the API and without it
WARM_S = 6.0  # the trader's worker reads its history
LISTENERS = 200
LISTS = (
    "accounts", "positions", "strategies", "risk", "orders?status=all&limit=100",
    "orders?status=open", "fills?limit=100", "denials?limit=100", "decisions?limit=50",
    "journal?limit=100",
)  # fmt: skip
Figures = dict[str, Any]


class Asker:
    """One connection that is kept, in HTTP/1.1 by hand: the asking shall cost little."""

    def __init__(self, served: Served) -> None:
        self._served = served

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._served.port)

    async def ask(self, path: str) -> int:
        """The status of the answer, read to its end."""
        self._writer.write(
            f"GET /api/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1:{self._served.port}\r\n"
            f"Authorization: Bearer {self._served.token}\r\n\r\n".encode()
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length:")[2].partition("\r\n")[0]
        await self._reader.readexactly(int(length or 0))
        return int(head.split(" ", 2)[1])

    def close(self) -> None:
        self._writer.close()


async def load(served: Served, seconds: float) -> list[float]:
    """Milliseconds of each answer, `RATE` a second over `CONNECTIONS` connections."""
    took: list[float] = []
    begun = time.perf_counter() + 0.1
    paths = cycle(LISTS)
    wanted = [(begun + k / RATE, next(paths)) for k in range(int(seconds * RATE))]

    async def one(asker: Asker, mine: list[tuple[float, str]]) -> None:
        await asker.open()
        for due, path in mine:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status = await asker.ask(path)
            if status != 200:
                raise SystemExit(f"{path}: {status}")
            took.append((time.perf_counter() - due) * 1e3)
        asker.close()

    await asyncio.gather(*(one(Asker(served), wanted[k::CONNECTIONS]) for k in range(CONNECTIONS)))
    return took


async def listening(served: Served, seconds: float) -> int:
    """How many messages so many listeners got together."""
    from websockets.asyncio.client import connect

    heard = 0

    async def one() -> None:
        nonlocal heard
        address = f"ws://127.0.0.1:{served.port}/ws/realtime"
        headers = {"Authorization": f"Bearer {served.token}"}
        async with connect(address, additional_headers=headers, ping_interval=None) as socket:
            await socket.send(json.dumps({"op": "subscribe", "topics": ["order.*", "risk.*"]}))
            async for _ in socket:
                heard += 1

    tasks = [asyncio.create_task(one()) for _ in range(LISTENERS)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return heard


@contextmanager
def trader(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "benchmarks.bench_live", "trade", "--folder", str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def beside(seconds: int, folder: Path) -> Figures:
    phase = max(2.0, (seconds - WARM_S) / (2 * ROUNDS))
    slices = int((WARM_S + 2 * ROUNDS * (phase + SETTLE_S) + 20) / PAUSE_S)
    desk_folder(folder, HISTORY_ROWS + slices, HISTORY_ROWS, every=2)
    answers: list[float] = []
    spans: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
    with trader(folder) as trading:
        while not (folder / "journal" / "chain").is_dir():
            time.sleep(0.1)
        with served(folder) as api:
            time.sleep(WARM_S)
            for _ in range(ROUNDS):
                os.kill(api.pid, signal.SIGSTOP)
                spans["without"].append(span(lambda: time.sleep(phase)))
                os.kill(api.pid, signal.SIGCONT)
                time.sleep(SETTLE_S)
                spans["with"].append(span(lambda: answers.extend(asyncio.run(load(api, phase)))))
            cpu = api.cpu_s()
            asyncio.run(load(api, 4.0))
            busy = (api.cpu_s() - cpu) / 4.0
            memory = {"trader": resident_mb(trading.pid), "api": resident_mb(api.pid)}
            heard = asyncio.run(watched(api, memory))
    lines = (folder / "took.txt").read_text(encoding="utf-8").splitlines()
    told = [(float(at), float(took)) for at, took in (line.split() for line in lines)]
    return {
        "answers": len(answers), "p50_ms": centile(answers, 50), "p99_ms": centile(answers, 99),
        "api_cpu": busy, "heard": heard,
        **{f"trader_{name}": of_spans(told, found) for name, found in spans.items()},
        "memory_mb": memory["trader"] + memory["api"], "api_mb": memory["api"],
        "listened_mb": memory["listened"],
    }  # fmt: skip


async def watched(api: Served, memory: dict[str, float]) -> int:
    """With listeners, after some seconds of listening."""
    task = asyncio.create_task(listening(api, 6.0))
    await asyncio.sleep(5.0)
    memory["listened"] = resident_mb(api.pid)
    return await task


def span(work: Any) -> tuple[float, float]:
    begun = time.monotonic()
    work()
    return begun, time.monotonic()


def of_spans(told: list[tuple[float, float]], spans: list[tuple[float, float]]) -> Figures:
    """Of all slices in the spans, and of each span alone: one bad moment shall not decide."""
    parts = [[took * 1e3 for at, took in told if begun <= at < ended] for begun, ended in spans]
    every = [one for part in parts for one in part]
    return {
        "slices": len(every),
        "p50_ms": centile(every, 50),
        "p99_ms": centile(every, 99),
        "median_p99_ms": float(np.median([centile(part, 99) for part in parts])),
    }


def centile(values: list[float], at: float) -> float:
    return float(np.percentile(values, at))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=90, help="seconds, about")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="algotrader-api-") as folder:
        print(json.dumps(beside(asked.size, Path(folder))))


if __name__ == "__main__":
    main()
