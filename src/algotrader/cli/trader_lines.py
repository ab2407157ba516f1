"""How the trader is, in a few calm lines."""

from __future__ import annotations

from rich.console import Console

from algotrader.core.instants import utc_at
from algotrader.core.units import ABSENT
from algotrader.ops.observing.summary import Latency, Summary, state_of


def print_trader(console: Console, summary: Summary | None) -> None:
    """Nothing of a trader that never ran here; the last known of one that is not running."""
    if summary is None:
        return
    for line in trader_lines(summary, state_of(summary)):
        console.print(line)


def trader_lines(summary: Summary, state: str) -> list[str]:
    written = f"{utc_at(summary.written_ms):%Y-%m-%d %H:%M:%S} UTC"
    if state == "running":
        lines = [f"trader running, {_duration(summary.written_ms - summary.started_ms)}"]
    elif state == "silent":
        lines = [f"trader there, but silent since {written}: see the log"]
    else:
        lines = [f"trader not running; its last figures are of {written}"]
    if state == "running" and summary.reasons:
        lines += [f"  not ready: {reason}" for reason in summary.reasons]
    waiting = sum(queue.depth for queue in summary.queues.values())
    dropped = sum(queue.dropped for queue in summary.queues.values())
    worker = summary.worker_memory_mb
    lines += [
        f"  bar to order sent: {_latency(summary.decide)}",
        f"  sent to accepted:  {_latency(summary.accept)}",
        f"  {summary.events_per_s:,.1f} events/s  {summary.memory_mb:,.0f} MB"
        + (f" + {worker:,.0f} MB worker" if worker is not None else "")
        + f"  {summary.cpu:.0%} of a core  {waiting} waiting"
        + (f", {dropped} dropped" if dropped else ""),
    ]
    if summary.log_lines_lost:
        lines.append(f"  {summary.log_lines_lost:,} log lines lost: the disk is full, or too slow")
    return lines


def _latency(latency: Latency) -> str:
    if latency.p50_ms is None or latency.p99_ms is None:
        return ABSENT
    return f"{latency.p50_ms:,.1f} ms, 99 % within {latency.p99_ms:,.1f} ms"


def _duration(ms: int) -> str:
    """`3 d 4 h`, `4 h 12 min`, `12 min`, `40 s`."""
    seconds = max(ms, 0) // 1000
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60 % 60, seconds // 3600 % 24, seconds // 86_400
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
