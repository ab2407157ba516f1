"""Serve the API and the console until the process is asked to end."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from algotrader.api.app import build_app, serving_of
from algotrader.api.console import STATIC
from algotrader.api.impatient import ImpatientProtocol
from algotrader.api.serving import Serving
from algotrader.core.errors import ConfigurationError
from algotrader.live.journal.folder import JournalFolder
from algotrader.ops.api_settings import ApiSettings
from algotrader.ops.config import FILE_NAME, Configuration
from algotrader.ops.settings import WorkspaceSettings
from algotrader.ops.standing import folder_of

_KEEP_ALIVE_S = 30
_CLOSE_S = 3
_LOOK_S = 1.0
_PATIENCE_S = 10.0
_COLLECTING = (20_000, 20, 20)
"""New objects, and rounds of a younger generation, before garbage is looked for."""


class Server(uvicorn.Server):
    """Without handlers of signals: those of the role are in force."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    configuration: Configuration,
    says: Callable[[str], None],
    *,
    new_link: bool = False,
    parent: int | None = None,
) -> None:
    """For ever, or as long as the process `parent` lives.

    Without a password the one-time link is said. ConfigurationError where the address cannot be
    listened at, or is public while there is no password.
    """
    settings = configuration.settings.api
    serving = serving_of(configuration)
    try:
        _require_password_in_public(settings, serving)
        with await _listening_soon(
            settings, _PATIENCE_S if parent is not None else 0.0
        ) as listener:
            app = build_app(serving)
            server = Server(
                uvicorn.Config(
                    app, http=ImpatientProtocol, ws="websockets-sansio", log_config=None, access_log=False, server_header=False,
                    proxy_headers=settings.secure, forwarded_allow_ips="127.0.0.1",
                    timeout_keep_alive=_KEEP_ALIVE_S, timeout_graceful_shutdown=_CLOSE_S,
                    ws_max_size=16_384,
                    ws_ping_interval=20.0, ws_ping_timeout=20.0, backlog=256,
                    limit_concurrency=1_000, lifespan="on",
                )
            )  # fmt: skip
            _greet(serving, says, new_link)
            if parent is None:  # beside a trader the desk begins in a moment
                for line in empty_desk(configuration):
                    says(line)
            first = [asyncio.ensure_future(_know_routes(app)),
                     asyncio.ensure_future(_spare_collecting(serving))]  # fmt: skip
            try:
                await _until_over(server, listener, parent)
            finally:
                for task in first:
                    task.cancel()
    finally:
        serving.access.close()


async def _know_routes(app: FastAPI) -> None:
    """FastAPI makes a router's routes when one is first looked for: a sixth of a second in all,
    which the first who ask would wait for one after the other.
    """
    nowhere = {
        "type": "http", "method": "GET", "path": "/", "root_path": "", "headers": [],
        "query_string": b"", "app": app,
    }  # fmt: skip
    for route in app.routes:
        route.matches(dict(nowhere))
        await asyncio.sleep(0)


async def _spare_collecting(serving: Serving) -> None:
    """Once the past is read, it stays: to look through all of it for garbage, a tenth of a second
    each time, would hold up answers for nothing.
    """
    while serving.view.seq == 0:
        await asyncio.sleep(_LOOK_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTING)


async def _until_over(server: uvicorn.Server, listener: socket.socket, parent: int | None) -> None:
    work = asyncio.ensure_future(server.serve([listener]))
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=_LOOK_S)
            if parent is not None and os.getppid() != parent:
                return
        work.result()
    finally:
        server.should_exit = True
        await asyncio.gather(work, return_exceptions=True)


async def _listening_soon(settings: ApiSettings, patience_s: float) -> socket.socket:
    """The console of a trader that was killed needs a moment to see that it is gone."""
    until_s = time.monotonic() + patience_s
    while time.monotonic() < until_s:
        try:
            return listening(settings)
        except ConfigurationError:
            await asyncio.sleep(_LOOK_S / 2)
    return listening(settings)


def listening(settings: ApiSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            "api.port",
            f"nothing can listen at {settings.host}:{settings.port}: "
            f"{(error.strerror or str(error)).lower()}",
            hint="another console runs there, or choose another api.port",
        ) from error
    return listener


def _require_password_in_public(settings: ApiSettings, serving: Serving) -> None:
    if settings.is_public and not serving.access.has_password():
        raise ConfigurationError(
            "api.public_without_password",
            f"api.host {settings.host} can be reached by others, and there is no password yet",
            hint="start it once with api: {host: 127.0.0.1}, choose a password, then change the host",
        )


def empty_desk(configuration: Configuration) -> list[str]:
    """Of a workspace where nothing has traded: that this is so, and where below it something has."""
    if folder_of(configuration).chain.is_dir():
        return []
    below = sorted(file.parent for file in configuration.folder.glob(f"*/{FILE_NAME}"))
    return [
        "  nothing has traded in this workspace yet: the desk is empty until algotrader trade",
        *(
            f"  a desk that has traded: cd {folder} && algotrader run api"
            for folder in below
            if JournalFolder(folder / WorkspaceSettings().journal).chain.is_dir()
        ),
    ]


def _greet(serving: Serving, says: Callable[[str], None], new_link: bool) -> None:
    settings = serving.configuration.settings.api
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{settings.port}/"
    says(f"console: {address}")
    if not (STATIC / "index.html").is_file():
        says("  its pages are not built here: make console, in the checkout; the API answers")
    if new_link or not serving.access.has_password():
        says(f"  lets in once, for an hour: {address}login#link={serving.links.make()}")
