"""A task that is not allowed to die unheard: started again with back-off, its failures counted."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

log = logging.getLogger(__name__)

LONGEST_PAUSE_S: Final = 30.0
_FIRST_PAUSE_S: Final = 1.0
_COUNTED_S: Final = 600.0


async def keep_running(
    name: str,
    work: Callable[[], Awaitable[None]],
    *,
    failed: Callable[[Exception, int], None],
    monotonic_s: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Run `work` for ever, or until it returns; after an exception again, 1 to 30 s later (F09).

    `failed` hears each exception and how many there were in the last ten minutes.
    """
    failures: deque[float] = deque()
    while True:
        try:
            await work()
            return
        except Exception as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # It failed on its way out: begun again, it would never end.
                log.error("%s failed while it ended: %r", name, error)
                raise asyncio.CancelledError from error
            now_s = monotonic_s()
            failures.append(now_s)
            while failures[0] < now_s - _COUNTED_S:
                failures.popleft()
            log.critical("%s failed: %r", name, error, exc_info=error)
            failed(error, len(failures))
        await sleep(min(_FIRST_PAUSE_S * 2.0 ** (len(failures) - 1), LONGEST_PAUSE_S))
