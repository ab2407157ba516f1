"""Any service that apprise knows, by its address: DingTalk, Feishu, WeCom, mail, and a hundred more.

The address holds the secret, so nothing of it is in an error. Apprise says only whether it worked;
what its parts log is kept for the error, with the address and its parts blotted out.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any, Final

from algotrader.core.errors import UsageError
from algotrader.core.ports import Severity
from algotrader.ops.notification.channels import ChannelFailedError, Letter
from algotrader.ops.observing.redaction import HIDDEN, Redactor

_KINDS: Final = {
    Severity.INFO: "info",
    Severity.IMPORTANT: "warning",
    Severity.CRITICAL: "failure",
}
_TALKATIVE: Final = ("apprise", "urllib3", "requests")  # their words name the address
_PICTURE: Final = "equity.png"
_PART: Final = re.compile(r"[^/:@?&=]{4,}")


class AppriseChannel:
    """Letters to one address. UsageError without the extra, or for an address that is none."""

    def __init__(self, address: str) -> None:
        try:
            import apprise
        except ImportError as error:
            raise UsageError(
                "notification.extra", "apprise is not installed",
                hint='pip install "algotrader[notify]"',
            ) from error  # fmt: skip
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._service: Any = apprise.Apprise()
        if not self._service.add(address):
            raise UsageError(
                "notification.address",
                f"apprise does not know this kind of address: {address.partition(':')[0]}://{HIDDEN}",
                hint="https://appriseit.com lists them; each begins with a word and ://",
            )
        self._redactor = Redactor([address, *_PART.findall(address.partition("://")[2])])

    async def send(self, letter: Letter) -> None:
        from apprise.attachment.memory import AttachMemory

        attached: Any = None
        if letter.picture is not None:
            attached = AttachMemory(  # type: ignore[no-untyped-call]  # apprise is untyped
                content=letter.picture, name=_PICTURE, mimetype="image/png"
            )
        try:
            # In a thread: most of its services block.
            went = await asyncio.to_thread(
                self._service.notify,
                title=letter.title,
                body=f"{letter.text}\n#{letter.number}",
                notify_type=_KINDS[letter.severity],
                attach=attached,
            )
        except (TypeError, ValueError, OSError) as error:
            said = ChannelFailedError(self._redactor.text(str(error)))
        else:
            if went:
                return
            said = ChannelFailedError("the service refused, or did not answer")
        raise said

    async def close(self) -> None:
        """Every letter has a connection of its own."""
