"""What goes wrong in one simulated history: a random subset of faults with random rates."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, fields, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Rates are chances for each call or push; times are seconds."""

    lose_request: float = 0.0  # F14
    lose_answer: float = 0.0  # F12
    delay_s: float = 0.0  # the most a message takes beyond the usual (F13, F15, F23)
    lose_push: float = 0.0  # F18
    repeat_push: float = 0.0  # F16
    delay_push_s: float = 0.0  # F17: pushes overtake one another
    refuse: float = 0.0  # F26: a definite refusal
    partial: float = 0.0  # F25: some of it fills, the rest stays open
    crash: float = 0.0  # at each write of the journal and at each call of the venue: F01 to F05
    replay_s: float = 0.0  # the most a start reads while the venue speaks already (F82)
    silent: float = 0.0  # at each slice: an instrument has no bars for a while (F20, P13)
    halt: float = 0.0  # at each slice: a person halts, and re-arms some slices later (P12)
    full: float = 0.0  # at each slice: the disk takes nothing for a while (F48)
    by_hand: float = 0.0  # at each slice: a person places, changes or withdraws an order
    lose_unsynced: float = 0.0  # rows that were written and not synced are gone after a crash

    @classmethod
    def drawn(cls, chance: random.Random) -> Faults:
        """A swarm: each fault is there in half of the histories, at a rate of its own."""
        most = {
            "lose_request": 0.2, "lose_answer": 0.2, "delay_s": 8.0, "lose_push": 0.5,
            "repeat_push": 0.3, "delay_push_s": 4.0, "refuse": 0.1, "partial": 0.5,
            "crash": 0.02, "replay_s": 3.0, "silent": 0.15, "halt": 0.1, "full": 0.1,
            "lose_unsynced": 1.0, "by_hand": 0.8,
        }  # fmt: skip
        rates = {name: chance.random() * top for name, top in most.items()}
        return cls(**{name: rate for name, rate in rates.items() if chance.random() < 0.5})

    def smaller(self) -> list[Faults]:
        """The same with one fault less: to find which of them matter."""
        zero = Faults()
        return [
            replace(self, **{one.name: getattr(zero, one.name)})
            for one in fields(self)
            if getattr(self, one.name)
        ]

    def __str__(self) -> str:
        there = {name: rate for name, rate in asdict(self).items() if rate}
        return ", ".join(f"{name} {rate:.3g}" for name, rate in there.items()) or "none"
