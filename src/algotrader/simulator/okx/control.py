"""What `/_control` can do: add and clear faults, move the venue's time, tell its state.

{"action": "fault", "fault": {"kind": "drop_after", "where": "POST trade/*", "times": 1}}
{"action": "clear"}      no fault is in force any more
{"action": "advance", "ms": 60000}      the venue's time, whatever the speed
{"action": "status"}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from algotrader.core.errors import UsageError
from algotrader.simulator.okx.faults import fault_of
from algotrader.simulator.okx.numerals import amount
from algotrader.simulator.okx.simulator import Simulator
from algotrader.simulator.okx.venue import Venue


def control(simulator: Simulator, asked: object, at_ms: int) -> dict[str, Any]:
    """Carry out one request. UsageError or ConfigurationError say what is wrong with it."""
    if not isinstance(asked, Mapping):
        raise _unknown(asked)
    simulator.advance(at_ms)
    match asked.get("action"):
        case "fault":
            return {"fault": simulator.faults.add(fault_of(asked.get("fault"), "control"), at_ms)}
        case "clear":
            simulator.faults.clear()
            simulator.advance(at_ms)
            return {}
        case "advance" if isinstance(asked.get("ms"), int | float) and asked["ms"] >= 0:
            simulator.advance_venue(float(asked["ms"]))
            return status(simulator)
        case "status":
            return status(simulator)
    raise _unknown(asked)


def status(simulator: Simulator) -> dict[str, Any]:
    """The venue in short: time, and of each account coins, positions, orders, hash of its history.

    What the first account has stands at the top.
    """
    exchange = simulator.api.desk.exchange
    return {
        "venue_ms": exchange.now_ms,
        "is_over": exchange.is_over,
        **_account(exchange.venue),
        "sub_accounts": {
            desk.credentials.key: _account(desk.venue) for desk in simulator.api.desks[1:]
        },
    }


def _account(venue: Venue) -> dict[str, Any]:
    return {
        "cash": {coin: amount(held) for coin, held in sorted(venue.wallet.cash.items())},
        "positions": {
            f"{held.key.inst_id} {held.key.mode} {held.key.pos_side}": amount(held.quantity)
            for held in venue.wallet.open_positions()
        },
        "pending": [order.order_id for order in venue.records.pending()],
        "algos": [algo.algo_id for algo in venue.records.live_algos()],
        "orders": len(venue.records.orders),
        "fills": len(venue.records.fills),
        "trace": venue.trace.hex(),
    }


def _unknown(asked: object) -> UsageError:
    return UsageError(
        "simulator.control", f"{asked!r} is nothing the simulator can do",
        hint="actions are fault, clear, advance with ms, and status",
    )  # fmt: skip
