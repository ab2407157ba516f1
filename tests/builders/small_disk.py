"""Programs on a disk that is nearly full."""

from __future__ import annotations

import os


def environment() -> dict[str, str]:
    """Of a program that may write no long file: Python would cut its byte code short, for all."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
