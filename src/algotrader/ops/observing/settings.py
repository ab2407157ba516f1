"""The sections `logging` and `metrics` of algotrader.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from algotrader.live.settings import Number, Section

Level = Literal["debug", "info", "warning", "error"]


class LoggingSettings(Section):
    """What is written down about the running of the system. Money's own record is the journal."""

    level: Level = Field("info", description="least level that the file gets")
    terminal: Level = Field("warning", description="least level on the terminal; -v shows more")
    file: Path = Field(
        Path("algotrader.jsonl"), description="one JSON object a line, in workspace.logs"
    )
    max_mb: Annotated[Number, Field(ge=0.1, le=10_000)] = Field(
        20.0, description="size of the file in MB, then it is put aside and a new one begun"
    )
    keep: int = Field(5, ge=1, le=100, description="files put aside that are kept")


class MetricsSettings(Section):
    """Figures for Prometheus, and whether the trader is well, over HTTP."""

    port: int = Field(
        0, ge=0, le=65_535, description="of /metrics, /health and /ready; 0: nothing listens"
    )
    host: str = Field(
        "127.0.0.1", description="the address that listens; nothing there asks for a password"
    )
    every_s: Annotated[Number, Field(ge=0.1, le=3_600)] = Field(
        5.0, description="seconds between two looks at the state, for figures and `status`"
    )
