"""Any service that apprise knows, by its address: DingTalk, Feishu, WeCom, mail, and a hundred more.

The address holds the secret, so nothing of it is in an error. Apprise says only whether it worked;
what its parts log is kept for the error, with the address and its parts blotted out.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
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
_MARGIN: Final = 100  # bytes of a page that a service may add: marks, line ends
_SMALLEST: Final = 200


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
        if "overflow=" not in address:  # else what is too long is refused, today and for ever
            for one in self._service:
                one.overflow_mode = apprise.OverflowMode.SPLIT
        self._room = min(map(_room, self._service))
        self._under_way: Letter | None = None
        self._sent = 0  # pages of it that are delivered: they do not go twice
        self._redactor = Redactor([address, *_PART.findall(address.partition("://")[2])])

    async def send(self, letter: Letter) -> None:
        if self._under_way != letter:
            self._under_way, self._sent = letter, 0
        text = f"{letter.text}\n#{letter.number}"
        room = self._room - len(letter.title.encode()) - _MARGIN
        parts = list(pages(text, max(room, _SMALLEST)))
        for place, part in enumerate(parts[self._sent :], self._sent):
            await self._send_page(letter, part, is_last=place == len(parts) - 1)
            self._sent = place + 1
        self._under_way = None

    async def _send_page(self, letter: Letter, text: str, *, is_last: bool) -> None:
        from apprise import NotifyFormat
        from apprise.attachment.memory import AttachMemory

        attached: Any = None
        if letter.picture is not None and is_last:
            attached = AttachMemory(  # type: ignore[no-untyped-call]  # apprise is untyped
                content=letter.picture, name=_PICTURE, mimetype="image/png"
            )
        try:
            # In a thread: most of its services block.
            went = await asyncio.to_thread(
                self._service.notify,
                title=letter.title,
                body=text,
                body_format=NotifyFormat.TEXT,  # else a service of marks reads ours as its own
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


def _room(service: Any) -> int:
    """Bytes of a page. Where text becomes marks, `<` and spaces grow: half of it is left for that."""
    formats = service.notify_format
    takes_text = "text" in (formats if isinstance(formats, tuple) else (formats,))
    return int(service.body_maxlen) if takes_text else int(service.body_maxlen) // 2


def pages(text: str, length: int) -> Iterator[str]:
    """Cut at line ends so that no page has more bytes in UTF-8; a long line is cut hard."""
    page = ""
    for line in text.splitlines():
        whole = f"{page}\n{line}" if page else line
        while len(whole.encode()) > length:
            cut = page or whole.encode()[:length].decode(errors="ignore")
            yield cut
            whole, page = whole[len(cut) :].removeprefix("\n"), ""
        page = whole
    if page:
        yield page
