"""Is a request signed by the one key its account knows?"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from algotrader.simulator.okx.desk import Credentials
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.wire import Request

TOLERANCE_MS = 30_000
KEY_HEADER = "OK-ACCESS-KEY"
_HEADERS = (
    (KEY_HEADER, "50103"), ("OK-ACCESS-PASSPHRASE", "50104"), ("OK-ACCESS-SIGN", "50106"),
    ("OK-ACCESS-TIMESTAMP", "50107"),
)  # fmt: skip


def signature(secret: str, message: str) -> str:
    digest = hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def check_request(request: Request, own: Credentials, clocks: tuple[int, ...]) -> None:
    """Refuse what is not signed, not signed now, or not signed by our key.

    `clocks` are times in ms that "now" may mean: the server's and, in a replay, the venue's.
    """
    for name, code in _HEADERS:
        if not request.header(name):
            raise Refusal(code)
    if not hmac.compare_digest(request.header(KEY_HEADER), own.key):
        raise Refusal("50111")
    if not hmac.compare_digest(request.header("OK-ACCESS-PASSPHRASE"), own.passphrase):
        raise Refusal("50105")
    stamp = request.header("OK-ACCESS-TIMESTAMP")
    if not is_fresh(_stamp_ms(stamp), clocks):
        raise Refusal("50102")
    target = request.path + (f"?{request.query}" if request.query else "")
    expected = signature(own.secret, stamp + request.method + target + request.body)
    if not hmac.compare_digest(request.header("OK-ACCESS-SIGN"), expected):
        raise Refusal("50113")


def check_login(asked: dict[str, str], own: Credentials, clocks: tuple[int, ...]) -> None:
    """The same for a socket: unix seconds, and a fixed path."""
    if not hmac.compare_digest(str(asked.get("apiKey", "")), own.key):
        raise Refusal("60005")
    if not hmac.compare_digest(str(asked.get("passphrase", "")), own.passphrase):
        raise Refusal("60024")
    stamp = str(asked.get("timestamp", ""))
    seconds = stamp.split(".")[0]
    if not seconds.isdecimal():
        raise Refusal("60004")
    if not is_fresh(int(seconds) * 1000, clocks):
        raise Refusal("60006")
    expected = signature(own.secret, f"{stamp}GET/users/self/verify")
    if not hmac.compare_digest(str(asked.get("sign", "")), expected):
        raise Refusal("60007")


def is_fresh(stamp_ms: int, clocks: tuple[int, ...]) -> bool:
    return any(abs(stamp_ms - clock) <= TOLERANCE_MS for clock in clocks)


def client_clock(request: Request, clocks: tuple[int, ...]) -> int:
    """Which of the clocks a client lives by: the one its signature is nearest to."""
    try:
        stamp = _stamp_ms(request.header("OK-ACCESS-TIMESTAMP"))
    except Refusal:
        return clocks[0]
    return min(clocks, key=lambda clock: abs(clock - stamp))


def _stamp_ms(stamp: str) -> int:
    try:
        parsed = datetime.fromisoformat(stamp)
    except ValueError as error:
        raise Refusal("50112") from error
    if parsed.utcoffset() is None:
        raise Refusal("50112")
    return round(parsed.timestamp() * 1000)
