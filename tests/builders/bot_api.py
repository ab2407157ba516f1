"""A small HTTP server that answers like Telegram's Bot API, and can misbehave as it does.

`python -m tests.builders.bot_api` serves one until it is ended, for a try by hand.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any
from urllib.parse import parse_qsl

TOKEN = "123456:AAcanary-Token_0123456789abcdefghijk"
CHAT = 4_001
USER = 7_001
_PATH = re.compile(r"/bot(?P<token>[^/]+)/(?P<method>\w+)")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: its method and fields; files as bytes."""

    method: str
    fields: dict[str, Any]


@dataclass
class Trouble:
    """How the next answers to a method go wrong."""

    status: int  # 0: never answers
    times: int
    description: str = "made up by the test"
    parameters: dict[str, Any] = field(default_factory=dict)


class BotApi:
    """What the server holds; tests read `calls`, and write updates and troubles."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.troubles: dict[str, Trouble] = {}
        self.updates: list[dict[str, Any]] = []
        self.changed = Condition()
        self.ended = Event()
        self._numbers = 0

    def texts(self) -> list[str]:
        """What was sent so far, captions included."""
        with self.changed:
            return [
                str(call.fields.get("text") or call.fields.get("caption") or "")
                for call in self.calls
                if call.method in ("sendMessage", "sendPhoto", "editMessageText")
            ]

    def until(self, count: int, wait_s: float = 60.0, *, containing: str = "") -> list[str]:
        """The texts that contain something, as soon as there are so many; AssertionError if never."""
        end_s = time.monotonic() + wait_s
        while True:
            found = [text for text in self.texts() if containing in text]
            if len(found) >= count:
                return found
            with self.changed:
                if not self.changed.wait(max(end_s - time.monotonic(), 0)):
                    raise AssertionError(f"{count} of {containing!r} wanted, got {self.texts()}")

    def until_asked(self, method: str, wait_s: float = 60.0) -> None:
        """Wait until a method is asked once more; AssertionError if it never is."""
        with self.changed:
            before = sum(call.method == method for call in self.calls)
            if not self.changed.wait_for(
                lambda: sum(call.method == method for call in self.calls) > before, wait_s
            ):
                raise AssertionError(f"{method} was not asked")

    def goes_wrong(self, method: str, status: int, times: int = 1_000_000, **more: Any) -> None:
        with self.changed:
            self.troubles[method] = Trouble(status=status, times=times, **more)

    def is_well(self) -> None:
        with self.changed:
            self.troubles.clear()

    def write(self, text: str, *, user: int = USER, chat: int = CHAT, age_s: float = 0) -> None:
        """A person writes to the bot."""
        sent = int(time.time() - age_s)
        message = {
            "message_id": self._number(), "date": sent, "text": text, "chat": _chat(chat),
            "from": _user(user),
        }  # fmt: skip
        self._tell({"message": message})

    def press(self, label: str, *, user: int = USER, chat: int = CHAT) -> None:
        """A person presses a button of the newest message that has one so labelled."""
        self._tell({"callback_query": self.button(label, user=user, chat=chat)})

    def button(self, label: str, *, user: int = USER, chat: int = CHAT) -> dict[str, Any]:
        with self.changed:
            calls = list(self.calls)
        for call in reversed(calls):
            markup = call.fields.get("reply_markup")
            for row in json.loads(markup)["inline_keyboard"] if markup else ():
                for one in row:
                    if one["text"] == label:
                        return {
                            "id": str(self._number()), "from": _user(user), "chat_instance": "1",
                            "data": one["callback_data"],
                            "message": {"message_id": 1, "date": int(time.time()),
                                        "chat": _chat(chat), "text": "asked"},
                        }  # fmt: skip
        raise AssertionError(f"no button {label!r}")

    def answer(self, token: str, method: str, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if token != TOKEN:
            return 401, {"ok": False, "error_code": 401, "description": "Unauthorized"}
        with self.changed:
            trouble = self.troubles.get(method)
            if trouble is not None and trouble.times > 0:
                trouble.times -= 1
                return trouble.status, {
                    "ok": False, "error_code": trouble.status,
                    "description": trouble.description, "parameters": trouble.parameters,
                }  # fmt: skip
            self.calls.append(Call(method=method, fields=fields))
            self.changed.notify_all()
        return 200, {"ok": True, "result": self._result(method, fields)}

    def _result(self, method: str, fields: dict[str, Any]) -> Any:
        match method:
            case "getMe":
                return {"id": 1, "is_bot": True, "first_name": "desk", "username": "desk_bot"}
            case "sendMessage" | "sendPhoto" | "sendDocument" | "editMessageText":
                chat = _chat(int(fields["chat_id"]))
                return {"message_id": self._number(), "date": int(time.time()), "chat": chat}
            case "getUpdates":
                return self._updates(int(fields.get("offset", 0)), float(fields.get("timeout", 0)))
            case _:  # answerCallbackQuery, deleteWebhook, setMyCommands
                return True

    def _updates(self, offset: int, timeout_s: float) -> list[dict[str, Any]]:
        end_s = time.monotonic() + timeout_s
        with self.changed:
            while True:
                if offset < 0:
                    self.updates = self.updates[offset:]
                else:
                    self.updates = [u for u in self.updates if u["update_id"] >= offset]
                left_s = end_s - time.monotonic()
                if self.updates or left_s <= 0 or self.ended.is_set():
                    return self.updates[:100]
                self.changed.wait(left_s)

    def _tell(self, update: dict[str, Any]) -> None:
        with self.changed:
            self.updates.append({"update_id": self._number()} | update)
            self.changed.notify_all()

    def _number(self) -> int:
        with self.changed:
            self._numbers += 1
            return self._numbers


def _user(number: int) -> dict[str, Any]:
    return {"id": number, "is_bot": False, "first_name": "somebody"}


def _chat(number: int) -> dict[str, Any]:
    return {"id": number, "type": "private" if number > 0 else "group"}


def _fields(content_type: str, body: bytes) -> dict[str, Any]:
    if content_type.startswith("multipart/"):
        whole = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        found: dict[str, Any] = {}
        for part in whole.get_payload():
            name = part.get_param("name", header="content-disposition")
            held = part.get_payload(decode=True)
            found[name] = held if part.get_filename() else held.decode()
        return found
    if content_type.startswith("application/json"):
        return dict(json.loads(body))
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


@contextmanager
def bot_api() -> Iterator[tuple[BotApi, str]]:
    """The API and its base address, on a free port of this machine."""
    api = BotApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = _PATH.fullmatch(self.path)
            if path is None:
                self.send_error(404)
                return
            fields = _fields(self.headers.get("Content-Type", ""), body)
            status, reply = api.answer(path["token"], path["method"], fields)
            if status == 0:
                api.ended.wait(60)
                self.close_connection = True
                return
            sent = json.dumps(reply).encode()
            with suppress(BrokenPipeError, ConnectionResetError):  # some tests kill the client
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api, f"http://127.0.0.1:{server.server_port}"
    finally:
        api.ended.set()
        with api.changed:
            api.changed.notify_all()
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    with bot_api() as (served, base):
        print(base, TOKEN, flush=True)  # noqa: T201
        while True:
            time.sleep(1)
            print(served.texts()[-1:], flush=True)  # noqa: T201
