"""What a strategy asks of its context becomes the order of a script, whatever it asks (R36)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pytest
from tests.reference.generator import Case, build, random_knobs

from algotrader import _kernel
from algotrader.execution.simulated import simulate, simulate_strategy
from algotrader.execution.simulation import (
    AmendRequest,
    CancelRequest,
    OrderRequest,
    Request,
    SimulationResult,
    TargetRequest,
    TimeInForce,
)

SEEDS = range(300)
PLAIN = ("quantity", "weight", "value", "limit", "stop", "trail", "stop_loss", "take_profit",
         "trailing", "expires_at", "post_only", "reduce_only")  # fmt: skip


def a_scripted_case(seed: int) -> Case:
    return build(replace(random_knobs(seed), targets=False, script=True, protection=False))


def ask(ctx: _kernel.Context, request: Request, raised: list[_kernel.OrderRef]) -> None:
    """The request as a strategy writes it."""
    if isinstance(request, OrderRequest):
        given = {name: value for name in PLAIN if (value := getattr(request, name)) is not None}
        given |= {"tif": TimeInForce(request.tif).name.lower(), "tag": f"tag {request.tag}"}
        if request.group is not None:
            given["group"] = f"group {request.group}"
        raised.append((ctx.buy if request.side > 0 else ctx.sell)(**given))
    elif isinstance(request, TargetRequest):
        ctx.target(request.weight, quantity=request.quantity)
    elif isinstance(request, CancelRequest):
        ctx.cancel(raised[request.order])
    elif isinstance(request, AmendRequest):
        changes = {
            name: value
            for name in ("quantity", "limit", "stop")
            if (value := getattr(request, name)) is not None
        }
        ctx.amend(raised[request.order], **changes)


def by_context(case: Case) -> SimulationResult:
    raised: list[_kernel.OrderRef] = []
    owner: list[int] = []  # the instrument of each order

    def on_bars(contexts: Sequence[_kernel.Context]) -> None:
        for request in (case.script or {}).get(contexts[0].index, []):
            if isinstance(request, OrderRequest):
                owner.append(request.instrument)
            place = (
                request.instrument
                if isinstance(request, OrderRequest | TargetRequest)
                else owner[request.order]
            )
            ask(contexts[place], request, raised)

    return simulate_strategy(
        case.panel, case.instruments, case.settings, features={}, on_bars=on_bars,
        panel_context=lambda _, contexts: contexts,
    )  # fmt: skip


@pytest.mark.parametrize("first", range(0, len(SEEDS), 50))
def test_r36_every_order_of_a_context_is_the_one_that_was_asked_for(first: int) -> None:
    for seed in SEEDS[first : first + 50]:
        case = a_scripted_case(seed)
        script = simulate(case.panel, case.instruments, case.settings, script=case.script)

        context = by_context(case)

        for column in fields(script.fills):
            ours, theirs = getattr(context.fills, column.name), getattr(script.fills, column.name)
            assert np.array_equal(ours, theirs, equal_nan=True), (seed, column.name)
        assert context.order_state.tolist() == script.order_state.tolist(), seed
        assert np.array_equal(context.cash, script.cash), seed


def test_the_examples_use_every_word_of_the_context() -> None:
    used: set[str] = set()
    for seed in SEEDS:
        for requests in (a_scripted_case(seed).script or {}).values():
            for request in requests:
                used |= {
                    f"{type(request).__name__}.{field.name}"
                    for field in fields(request)
                    if getattr(request, field.name) not in (None, False)
                }
                if isinstance(request, OrderRequest):
                    used.add(f"tif {TimeInForce(request.tif).name}")
    words = {f"OrderRequest.{name}" for name in (*PLAIN, "group")}
    words |= {f"tif {kind.name}" for kind in TimeInForce}
    words |= {"TargetRequest.weight", "TargetRequest.quantity", "CancelRequest.order"}
    words |= {f"AmendRequest.{name}" for name in ("quantity", "limit", "stop")}
    assert words - used == set()
