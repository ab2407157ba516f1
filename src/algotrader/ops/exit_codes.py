"""What a command's end says to whoever started it: a person, a job, a work of the console."""

from __future__ import annotations

from typing import Final

DONE: Final = 0  # also with warnings, also with no trades
FINDING: Final = 1
REFUSED: Final = 2  # what can be known before the work starts
FAILED: Final = 3  # while running
INCONCLUSIVE: Final = 4  # it ran, and could look at too little to say anything
INTERRUPTED: Final = 130

WORTH_A_LOOK: Final = frozenset({FINDING, INCONCLUSIVE})
"""The work was done to its end, and what it came to is no plain yes."""
