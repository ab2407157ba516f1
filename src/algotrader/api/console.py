"""The console's files: built into the package, served as they are, one page for every address."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from algotrader.api.errors import ApiError

STATIC: Final = Path(__file__).parent / "static"
_FOREVER: Final = "public, max-age=31536000, immutable"
_ABSENT: Final = (
    "The console is not built into this installation.\n"
    "From a checkout: make console. The API is at /api/v1, described by /api/v1/openapi.json.\n"
)


def console_router(folder: Path = STATIC) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    root = folder.resolve()

    @router.get("/{path:path}")
    async def page(request: Request, path: str) -> Response:
        """A file of the build, else the page itself: what follows is the page's own address."""
        if path.startswith(("api/", "ws/")):
            raise ApiError(
                404, "api.unknown", f"there is no /{path}", hint="see /api/v1/openapi.json"
            )
        found = (root / path).resolve()
        if path and found.is_relative_to(root) and found.is_file():
            headers = {"Cache-Control": _FOREVER if path.startswith("assets/") else "no-cache"}
            return _sent(request, found, headers)
        index = root / "index.html"
        if not index.is_file():
            return PlainTextResponse(_ABSENT, 404 if path else 200)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    return router


def _sent(request: Request, file: Path, headers: dict[str, str]) -> Response:
    """The file, as the build packed it where the client takes that."""
    packed = file.with_name(file.name + ".gz")
    if "gzip" not in request.headers.get("accept-encoding", "") or not packed.is_file():
        return FileResponse(file, headers=headers)
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    told = {**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return FileResponse(packed, headers=told, media_type=kind)
