"""How a command tells who started it how far it is."""

from __future__ import annotations

from typing import Final

PROGRESS: Final = "ALGOTRADER_PROGRESS"
"""Names the file into which a command of ours writes how far it is."""
