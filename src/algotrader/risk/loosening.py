"""Whether a change lets more happen: such a change asks for more care than its opposite."""

from __future__ import annotations

from typing import Final

from algotrader.core.units import parse_duration_ms, parse_fraction, parse_number

_ACTIONS: Final = ("warn", "reduce_only", "halt", "flatten")
_LEAST: Final = frozenset({"min_margin_ratio", "min_liquidation_distance", "min_free"})
_MOST: Final = frozenset({"price_band", "fat_finger"})


def loosens(key: str, before: str | None, after: str | None) -> bool:
    """Whether a limit lets more through after a change than before; None: it is not there.

    What cannot be compared, such as hours, counts as loosening.
    """
    name = key.rpartition(".")[2]
    if before == after or before is None:
        return False
    if name == "on_breach" and after in _ACTIONS and before in _ACTIONS:
        return _ACTIONS.index(after) < _ACTIONS.index(before)
    if after is None:
        return True
    if name in _LEAST or name in _MOST or name.startswith("max_"):
        old, new = _number(before), _number(after)
        if old is not None and new is not None:
            return new < old if name in _LEAST else new > old
    return True


def _number(text: str) -> float | None:
    """A number, a fraction or a length of time; None for anything else."""
    try:
        if text.endswith(("%", "bps")):
            return float(parse_fraction(text))
        return float(parse_duration_ms(text) if text[-1:].isalpha() else parse_number(text))
    except ValueError:
        return None
