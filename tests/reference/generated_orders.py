"""Random scripts: orders of every kind and time in force, cancels, amendments, targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from algotrader.execution.simulation import (
    AmendRequest,
    CancelRequest,
    InstrumentKind,
    OrderRequest,
    Panel,
    Request,
    SimulatedInstrument,
    SimulationSettings,
    TargetRequest,
    TimeInForce,
)

if TYPE_CHECKING:
    from tests.reference.generator import Knobs


def random_script(
    rng: np.random.Generator,
    knobs: Knobs,
    panel: Panel,
    instruments: list[SimulatedInstrument],
    settings: SimulationSettings,
) -> dict[int, list[Request]]:
    """Requests by row; about one decision in two asks for something."""
    script: dict[int, list[Request]] = {}
    orders = 0
    for row in range(knobs.rows):
        requests: list[Request] = []
        while rng.random() < 0.4 and len(requests) < 4:
            choice = rng.random()
            if choice < 0.12 and orders:
                requests.append(CancelRequest(order=int(rng.integers(0, orders))))
            elif choice < 0.22 and orders:
                requests.append(random_amendment(rng, knobs, panel, row, orders))
            elif choice < 0.32:
                requests.append(random_target(rng, instruments))
            else:
                new = random_order(rng, knobs, panel, instruments, settings, row)
                legs = [new, random_order(rng, knobs, panel, instruments, settings, row, new.group)]
                added = legs if new.group is not None else [new]
                requests.extend(added)
                orders += len(added)
        if requests:
            script[row] = requests
    return script


def price_near(rng: np.random.Generator, knobs: Knobs, panel: Panel, row: int, i: int) -> float:
    """A level around the newest close, near enough to be met."""
    known = panel.close[: row + 1, i]
    known = known[~np.isnan(known)]
    close = float(known[-1]) if len(known) else 100.0
    return close * float(np.exp(1.2 * knobs.volatility * rng.normal()))


def random_size(
    rng: np.random.Generator, item: SimulatedInstrument, settings: SimulationSettings
) -> dict[str, float]:
    share = float(rng.choice([0.1, 0.3, 0.9, 1.3])) * item.leverage
    choice = rng.random()
    if choice < 0.4:
        return {"weight": share}
    if choice < 0.55:
        return {"value": share * settings.cash}
    if item.kind == InstrumentKind.INVERSE:
        return {"quantity": max(1.0, round(share * settings.cash * 100.0 / item.multiplier))}
    return {"quantity": share * settings.cash / 100.0 / item.multiplier}


def random_order(
    rng: np.random.Generator,
    knobs: Knobs,
    panel: Panel,
    instruments: list[SimulatedInstrument],
    settings: SimulationSettings,
    row: int,
    group: int | None = None,
) -> OrderRequest:
    i = int(rng.integers(0, len(instruments)))
    item = instruments[i]
    side = 1 if rng.random() < 0.55 else -1
    kind = (
        "market"
        if knobs.close_only
        else str(
            rng.choice(
                ["market", "limit", "stop", "stop_limit", "trail"], p=[0.3, 0.3, 0.2, 0.1, 0.1]
            )
        )
    )
    scale = max(knobs.volatility, 0.004)
    levels = {
        "limit": price_near(rng, knobs, panel, row, i) if "limit" in kind else None,
        "stop": price_near(rng, knobs, panel, row, i) if "stop" in kind else None,
        "trail": float(rng.uniform(0.3, 2.0) * scale) if kind == "trail" else None,
    }
    protect = [None, None, None]
    if not knobs.close_only and rng.random() < 0.3:
        protect = [
            float(rng.uniform(0.3, 2.5) * scale) if rng.random() < 0.7 else None for _ in range(3)
        ]
    tif = TimeInForce(int(rng.choice(5, p=[0.6, 0.1, 0.1, 0.1, 0.1])))
    expires = int(panel.ts[min(row + int(rng.integers(1, 6)), knobs.rows - 1)])
    if group is None and knobs.groups and rng.random() < 0.3:
        group = int(rng.integers(0, 3))
    return OrderRequest(
        instrument=i,
        side=side,
        **random_size(rng, item, settings),
        **levels,
        stop_loss=protect[0],
        take_profit=protect[1],
        trailing=protect[2],
        tif=tif,
        expires_at=expires if tif == TimeInForce.GTD else None,
        post_only=bool("limit" in kind and rng.random() < 0.2),
        reduce_only=bool(rng.random() < 0.12),
        group=group,
    )


def random_target(
    rng: np.random.Generator, instruments: list[SimulatedInstrument]
) -> TargetRequest:
    i = int(rng.integers(0, len(instruments)))
    share = float(rng.choice([0.0, 0.4, 1.0, -0.6])) * instruments[i].leverage
    if rng.random() < 0.7:
        return TargetRequest(instrument=i, weight=share)
    return TargetRequest(instrument=i, quantity=round(share * 40.0, 2))


def random_amendment(
    rng: np.random.Generator, knobs: Knobs, panel: Panel, row: int, orders: int
) -> AmendRequest:
    i = int(rng.integers(0, knobs.columns))

    def level() -> float | None:
        return price_near(rng, knobs, panel, row, i) if rng.random() < 0.6 else None

    return AmendRequest(
        order=int(rng.integers(0, orders)),
        quantity=float(rng.uniform(1.0, 120.0)) if rng.random() < 0.4 else None,
        limit=level(),
        stop=level(),
    )
