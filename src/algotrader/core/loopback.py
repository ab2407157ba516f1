"""Names of this machine, for whoever speaks to itself alone."""

from __future__ import annotations

from typing import Final

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
