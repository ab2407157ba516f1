"""What OKX's error codes mean and what is done about each: one table."""

from __future__ import annotations

from typing import Final

from algotrader.execution.adapters.treatments import REFUSALS, Treatment, treated

__all__ = [
    "ABSENT",
    "OVER",
    "REFUSALS",
    "STALE_RULES",
    "TREATMENTS",
    "Treatment",
    "mending",
    "treatment",
]

TREATMENTS: Final[dict[str, Treatment]] = {
    # Keys, rights, account: nothing goes out before a person has mended it.
    **treated(Treatment.HALT, range(50100, 50115), 50119, 50120, 50007, 50009, 50022, 50027),
    **treated(Treatment.HALT, 51009, 51010, 51024, range(60001, 60004), 60005, 60007, 60009, 60011),
    **treated(Treatment.HALT, 60024, 60031, 60032),
    # Too much at once, or the venue does not want this one now.
    **treated(Treatment.RETRY, 50011, 50061, 51029, 51030, 60014),
    # The venue is busy, down, slow, or speaks of an order that may be there.
    **treated(Treatment.LOOK_UP, 50001, 50004, 50005, 50013, 50026, 51016, range(51400, 51403)),
    **treated(Treatment.LOOK_UP, 51410, 51503, 51509, 51510, 51603),
    # The order itself is wrong.
    **treated(Treatment.REJECT, 50002, 50014, 50015, 51000, 51003, range(51004, 51007), 51008),
    **treated(Treatment.REJECT, 51015, 51020, 51023, range(51100, 51122), 51131, 51137, 51138),
    **treated(Treatment.REJECT, 51169, 51174, 51202, 51257, range(51277, 51281), 51328, 51500),
    **treated(Treatment.REJECT, 51502, 58350, 60012, 60018),
    # The instrument is not there, not yet, or no more.
    **treated(Treatment.FREEZE, 51001, 51021, 51022, 51027, 51028, 54072),
    **treated(Treatment.CLOCK, 50102, 60004, 60006),
}

ABSENT: Final = frozenset({"51603", "51001"})
"""Answers of a look-up that mean: no such order."""

OVER: Final = frozenset({"51400", "51401", "51402", "51410", "51503", "51509", "51510", "51603"})
"""Answers to a cancel or a change that mean: it is over, ends already, or is not there."""

STALE_RULES: Final = frozenset(
    str(code) for code in (51006, 51020, 51101, 51106, 51107, 51108, 51116, 51117, 51121, 51202)
)
"""Refusals of a size or a price: the instrument's rules may have changed, read them anew (F31)."""

_MENDING: Final = {
    "50001": "OKX is in maintenance: nothing to do but to wait",
    "50100": "the API is frozen: ask OKX's support",
    "50101": "the key is of another environment: demo trading has keys of its own",
    "50105": "the passphrase is not this key's: it was chosen when the key was made",
    "50110": "this machine's address is not on the key's list: add it on OKX's API page",
    "50111": "the key is unknown: check that it was copied whole, and not deleted",
    "50113": "the secret is not this key's: make a new key if it is lost",
    "50119": "the key does not exist, or OKX has ended it: keys without an address end unused",
    "50120": "the key may not do this: give it the right to trade on OKX's API page",
    "51010": "the account mode does not allow this: change it in OKX's trading settings",
}


def treatment(code: str) -> Treatment:
    """What to do about a code; one that is not known says nothing about the order."""
    if code.startswith("59"):  # settings of the account
        return Treatment.HALT
    return TREATMENTS.get(code, Treatment.LOOK_UP)


def mending(code: str) -> str:
    """What a person can do about a code; empty for most."""
    return _MENDING.get(code, "")
