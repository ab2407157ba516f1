"""What `parity` shows: the replay, the decisions by cause, and the differences one by one."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from algotrader.cli.output import shown_path
from algotrader.core.instants import utc_at
from algotrader.core.units import ABSENT, format_percent

if TYPE_CHECKING:
    from algotrader.core.events import Decided
    from algotrader.parity.causes import Compared, Result
    from algotrader.parity.comparing import Parity
    from algotrader.parity.replaying import Difference, Replayed
    from algotrader.parity.standing import EquityGap


def plain_parity(found: Parity, html: Path | None = None) -> dict[str, Any]:
    """One object: what both comparisons found. Amounts are text, exact; times UTC ms."""
    from algotrader.parity.causes import Sameness

    return {
        "run": found.run_id,
        "first": found.span.first_ms,
        "last": found.span.last_ms,
        "clean": found.is_clean,
        "conclusive": found.is_conclusive,
        "html": None if html is None else str(html),
        "replay": _plain_replay(found.replay),
        "backtest": {
            "decisions": len(found.decisions),
            "equal": found.counts[Sameness.EQUAL],
            "equal_in_weight": found.counts[Sameness.WEIGHT],
            "different": found.counts[Sameness.DIFFERENT],
            "not_compared": found.not_compared,
            "causes": {cause.value: count for cause, count in found.causes.most_common()},
            "differences": _plain_decisions(found),
            "equity": _plain_equity(found),
        },
        "paper": _plain_paper(found),
    }


def _plain_decisions(found: Parity) -> list[dict[str, Any]]:
    """Those that are not equal, each with how many equal ones stand before it."""
    from algotrader.parity.causes import Sameness

    rows, equal = [], 0
    for one in found.decisions:
        if one.sameness is Sameness.EQUAL:
            equal += 1
            continue
        rows.append(_plain_decision(one) | {"equal_before": equal})
        equal = 0
    return rows


def _plain_equity(found: Parity) -> dict[str, Any] | None:
    """Both accounts after the last decision, and what lies between them by term."""
    from algotrader.parity.summary import curves, last_gap

    ours, theirs = curves(found)
    if not len(ours.ts) or not len(theirs.ts):
        return None
    gap = last_gap(found)
    return {
        "journal": float(ours.equity[-1]),
        "backtest": float(theirs.equity[-1]),
        "gap": None if gap is None else _plain_gap(gap),
    }


def _plain_paper(found: Parity) -> dict[str, Any]:
    """What paper would have paid for what was traded. Positive bps: paper was too optimistic."""
    from algotrader.parity.optimism import flattered, mean_bps

    orders = flattered(found.decisions)
    return {
        "optimism_bps": mean_bps(orders),
        "orders": [
            {"decision": one.key.decision_ts, "strategy": one.key.strategy,
             "instrument": str(one.key.instrument), "quantity": str(one.quantity),
             "traded": str(one.traded), "paper": str(one.paper),
             "optimism_bps": one.optimism_bps}
            for one in orders
        ],
    }  # fmt: skip


def _plain_replay(replay: Replayed) -> dict[str, Any]:
    return {
        "rows": replay.rows,
        "steps": replay.steps,
        "equal_steps": replay.equal,
        "commands": replay.commands,
        "equal_commands": replay.equal_commands,
        "equal": replay.is_equal,
        "stopped_at": replay.stopped_at,
        "configuration_hash": replay.configuration_hash,
        "software": replay.software,
        "starts": [
            {"seq": one.seq, "time": one.time_ms, "software": one.software,
             "configuration_hash": one.configuration_hash}
            for one in replay.starts
        ],
        "differences": [_plain_difference(one) for one in replay.differences],
    }  # fmt: skip


def _plain_difference(one: Difference) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "time": one.time_ms,
        "input": one.input,
        "kind": one.kind,
        "journal": one.journal,
        "replayed": one.replayed,
        "error": one.error,
        "configuration_changed": one.configuration_changed,
    }


def _plain_decision(one: Compared) -> dict[str, Any]:
    gap = one.gap
    return {
        "decision": one.key.decision_ts,
        "strategy": one.key.strategy,
        "instrument": str(one.key.instrument),
        "sameness": one.sameness.value,
        "cause": None if one.cause is None else one.cause.value,
        "text": one.text,
        "journal": _plain_side(one.journal, one.came[0]),
        "backtest": _plain_side(one.backtest, one.came[1]),
        "equity_gap": None if gap is None else _plain_gap(gap),
    }


def _plain_gap(gap: EquityGap) -> dict[str, str]:
    return {
        "whole": str(gap.whole), "fills": str(gap.fills), "fees": str(gap.fees),
        "prices": str(gap.prices), "funding": str(gap.funding), "cash": str(gap.cash),
        "rest": str(gap.rest),
    }  # fmt: skip


def _plain_side(decided: Decided | None, came: Result) -> dict[str, Any] | None:
    if decided is None:
        return None
    return {
        "target": decided.target,
        "towards": _text(decided.latched_quantity),
        "lots": decided.lots,
        "price": decided.price,
        "equity": str(decided.equity),
        "ordered": str(came.ordered),
        "filled": str(came.filled),
        "fill_price": _text(came.price),
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def print_parity(console: Console, found: Parity, last: int, html: Path | None = None) -> None:
    """Two lines of result, the causes, and the newest differences."""
    from algotrader.parity.causes import Sameness

    span = f"{_at(found.span.first_ms)} to {_at(found.span.last_ms)}"
    console.print(f"parity of run {found.run_id}, {span} UTC", soft_wrap=True)
    if not found.is_conclusive:
        console.print(
            Text(
                f"△ Most decisions were not compared: {len(found.decisions):,} of "
                f"{found.decided:,}. This is no proof of anything yet.",
                style="bold yellow",
            ),
            soft_wrap=True,
        )
    _print_replay(console, found.replay)
    counts = found.counts
    console.print(
        f"backtest  {_compared(found)} decisions: {counts[Sameness.EQUAL]:,} equal, "
        f"{counts[Sameness.WEIGHT]:,} equal in weight, "
        f"{counts[Sameness.DIFFERENT]:,} different",
        soft_wrap=True,
    )
    if not found.adds_up:
        console.print(
            "△ the accounts have several currencies: their equities are not added up",
            soft_wrap=True,
        )
    _print_paper(console, found)
    if found.not_compared:
        console.print(
            f"△ {found.not_compared:,} decisions are after the end of today's data: bring it in "
            "with algotrader data download",
            soft_wrap=True,
        )
    if found.causes:
        console.print(_causes(found))
    _print_differences(console, found, last)
    if html is not None:
        console.print(f"page: {shown_path(html)}", soft_wrap=True)


def _compared(found: Parity) -> str:
    """How many decisions, and of how many where some could not be compared."""
    of = f" of {found.decided:,}" if found.not_compared else ""
    return f"{len(found.decisions):,}{of}"


def _print_paper(console: Console, found: Parity) -> None:
    """How much better the simulated prices were; nothing where none is another."""
    from algotrader.parity.optimism import flattered, mean_bps

    orders = flattered(found.decisions)
    mean = mean_bps(orders)
    if mean is None or all(one.traded == one.paper for one in orders):
        return
    than = "better" if mean >= 0 else "worse"
    console.print(
        f"paper     {len(orders):,} orders filled on both sides: its prices were on average "
        f"{abs(mean):.2f} bps {than}",
        soft_wrap=True,
    )


def _print_differences(console: Console, found: Parity, last: int) -> None:
    """The newest reasons, each with how often it was one after the other; the largest size."""
    from algotrader.parity.summary import folded, resized

    rows = folded(found.decisions)
    kept = rows[-last:] if last else rows
    for row in kept:
        one = row.first
        cause = one.cause.value if one.cause else ABSENT
        until = f" to {row.until(_at)}, {row.count} times" if row.count > 1 else ""
        console.print(
            f"{_at(one.key.decision_ts)}{until}  {one.key.strategy}  {one.key.instrument}  "
            f"{cause}: {one.text}",
            soft_wrap=True,
        )
    if len(kept) < len(rows):
        console.print(f"{len(rows) - len(kept):,} earlier ones: --last 0, or --json", style="dim")
    sizes = resized(found.decisions)
    if sizes:
        one = sizes[0]
        console.print(
            f"{len(sizes):,} other sizes of equal weights; the farthest apart: "
            f"{_at(one.key.decision_ts)}  {one.key.strategy}  {one.key.instrument}  {one.text}",
            soft_wrap=True,
        )


def _print_replay(console: Console, replay: Replayed) -> None:
    said = "100 % equal, byte for byte"
    if not replay.is_equal:
        said = f"△ {replay.steps - replay.equal:,} steps came out otherwise"
    console.print(
        f"replay    {replay.rows:,} rows, {replay.steps:,} steps, {replay.commands:,} "
        f"commands to the venue: {said}",
        soft_wrap=True,
    )
    if replay.configurations_differ:
        console.print("△ some starts had other settings than today's", soft_wrap=True)
    for one in replay.differences[:1]:
        console.print(f"  row {one.seq:,}, after {one.input} of {_at(one.time_ms)}: {one.kind}")
        console.print(f"  journal   {one.journal or ABSENT}", soft_wrap=True)
        console.print(f"  replayed  {one.error or one.replayed or ABSENT}", soft_wrap=True)
    if replay.stopped_at is not None:
        console.print(
            f"  after {len(replay.differences)} differences it gave up, at row "
            f"{replay.stopped_at:,}; --json has all of them",
            soft_wrap=True,
        )


def _causes(found: Parity) -> Table:
    total = len(found.decisions)
    table = Table(box=None, pad_edge=False)
    table.add_column("cause")
    table.add_column("decisions", justify="right")
    table.add_column("share", justify="right")
    for cause, count in found.causes.most_common():
        table.add_row(cause.value, f"{count:,}", format_percent(count / total))
    return table


def _at(ms: int) -> str:
    return f"{utc_at(ms):%Y-%m-%d %H:%M}"
