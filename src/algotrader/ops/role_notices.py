"""The Notifier of a process beside the trader: on its terminal, and by the workspace's channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from algotrader.core.ports import Notice, Notifier
from algotrader.ops.config import Configuration
from algotrader.ops.notification.wiring import notifying


class RoleNotices:
    """Tells every notice here, and hands it to the messenger, if there is one."""

    def __init__(self, says: Callable[[str], None], messenger: Notifier | None = None) -> None:
        self._says = says
        self._messenger = messenger

    async def notify(self, notice: Notice) -> None:
        if self._messenger is not None:
            await self._messenger.notify(notice)
        with suppress(OSError):  # a terminal that is gone, or a full disk behind it
            self._says(f"△ {notice.text}")


@contextmanager
def role_notices(
    configuration: Configuration, environment: Mapping[str, str], says: Callable[[str], None]
) -> Iterator[RoleNotices]:
    """As long as the block lasts. ConfigurationError for a channel whose secret is missing."""
    with notifying(configuration, environment) as messenger:
        yield RoleNotices(says, messenger)
