"""How often a request may go out again, the same for every venue.

An order goes out anew only after a definite "not now" of the venue, and never after its deadline;
after silence it is looked up instead (protocol of orders, rules 2 to 4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from algotrader.execution.adapters.treatments import Treatment
from algotrader.execution.adapters.verdicts import Again, Unknown, Verdict
from algotrader.execution.broker import BrokerUnavailableError

T = TypeVar("T")
_RETRY_S: Final = 0.25
_TRIES: Final = 20  # of a cancel, five seconds


async def send_until(
    attempt: Callable[[bool], Awaitable[Verdict]],
    *,
    set_clock: Callable[[], Awaitable[bool]],
    now_ms: Callable[[], int],
    deadline_ms: int,
) -> Verdict:
    """Send an order once, or again while the venue says "too often" or, once, "your clock".

    `attempt` is told whether the clock was set; BrokerUnavailableError of it is an unknown outcome.
    """
    clock_was_set = False
    while True:
        try:
            verdict = await attempt(clock_was_set)
        except BrokerUnavailableError as error:
            return Unknown(reason=str(error))
        if not isinstance(verdict, Again):
            return verdict
        if verdict.with_clock:
            clock_was_set = await set_clock()
        await asyncio.sleep(_RETRY_S)
        if now_ms() >= deadline_ms:
            return Unknown(reason=f"{verdict.code} {verdict.reason}")


async def insist(
    ask: Callable[[], Awaitable[T]],
    meaning: Callable[[T], Treatment],
    *,
    set_clock: Callable[[], Awaitable[bool]],
) -> T:
    """Ask for a cancel or a change, again while the venue says "too often" or "your clock"."""
    clock_was_set = False
    for _ in range(_TRIES):
        answer = await ask()
        found = meaning(answer)
        if found is Treatment.CLOCK and not clock_was_set:
            clock_was_set = await set_clock()
        elif found is not Treatment.RETRY:
            return answer
        await asyncio.sleep(_RETRY_S)
    return answer
