"""What a decision does with a target, entries that a protective exit blocks included (R10, R19)."""

from __future__ import annotations

from dataclasses import dataclass

from algotrader.core.rebalancing import RebalanceKind
from algotrader.engine.protected import Block
from algotrader.portfolio.rebalancing import Look, RebalanceState

MAX_WEIGHT_ABS = 10.0  # R4


@dataclass(frozen=True, slots=True)
class Looked:
    """The state after the look, what to do, and whether a block ended with it."""

    state: RebalanceState
    look: Look
    is_lifted: bool = False


def look_at(
    before: RebalanceState,
    block: Block | None,
    number: float,
    *,
    rule: RebalanceKind,
    reenter_after: int | None,
    is_scheduled: bool,
    has_bar: bool,
) -> Looked:
    """`number` is the target, NaN for no opinion."""
    lifted = False
    if block is not None and has_bar:
        other = abs(number) <= MAX_WEIGHT_ABS and number * block.sign <= 0.0
        waited = reenter_after is not None and block.bars >= reenter_after
        lifted = other or waited
        if waited and not other:
            before = before.retried()  # what stands has not been acted on since the exit
    after, look = before.look(number, rule=rule, is_scheduled=is_scheduled, has_bar=has_bar)
    blocked = block is not None and not lifted
    if (
        look is Look.ACT
        and blocked
        and block is not None
        and (after.standing or 0.0) * block.sign > 0
    ):
        look = Look.KEEP
    return Looked(after, look, lifted)
