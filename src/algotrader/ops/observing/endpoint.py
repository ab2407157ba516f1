"""Figures and health over HTTP, from a thread: they are answered while the trader is stuck, too."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from algotrader.core.errors import ConfigurationError
from algotrader.ops.observing.settings import MetricsSettings

_PATIENCE_S: Final = 5.0
_AT_ONCE: Final = 8  # requests
_JSON: Final = "application/json"
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: int
    kind: str
    body: bytes

    @classmethod
    def of_state(cls, is_well: bool, state: Mapping[str, Any]) -> Page:
        return cls(200 if is_well else 503, _JSON, json.dumps(state).encode() + b"\n")


class Endpoint:
    """Serves as long as it is not closed. Nothing that is asked changes anything."""

    def __init__(
        self,
        settings: MetricsSettings,
        *,
        figures: Callable[[], bytes],
        health: Callable[[], tuple[bool, Mapping[str, Any]]],
        ready: Callable[[], tuple[bool, Mapping[str, Any]]],
    ) -> None:
        """ConfigurationError if the address cannot be listened at."""
        pages: dict[str, Callable[[], Page]] = {
            "/metrics": lambda: Page(200, _PROMETHEUS, figures()),
            "/health": lambda: Page.of_state(*health()),
            "/ready": lambda: Page.of_state(*ready()),
        }
        try:
            self._server = _Server((settings.host, settings.port), pages)
        except (OSError, UnicodeError, OverflowError) as error:
            raise ConfigurationError(
                "metrics.port",
                f"nothing can listen at {settings.host}:{settings.port}: "
                f"{(getattr(error, 'strerror', None) or str(error)).lower()}",
                hint="choose another metrics.port, or 0 for none",
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_PATIENCE_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], pages: Mapping[str, Callable[[], Page]]) -> None:
        self.pages = pages
        self._free = threading.Semaphore(_AT_ONCE)
        super().__init__(address, _Answering)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Who comes when eight are served already is turned away."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left or spoke nonsense is no news."""


class _Answering(BaseHTTPRequestHandler):
    timeout = _PATIENCE_S
    server: _Server
    server_version = "algotrader"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        self._send(Page(404, _JSON, b"{}\n") if page is None else page())

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, page: Page) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", page.kind)
        self.send_header("Content-Length", str(len(page.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its own name
        """Nobody reads who asked for figures."""
