"""Change a limit while a trader runs: by the command line and by the API.

What lets more happen is confirmed by the limit's own key, and the confirmation holds ten minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from algotrader.core.errors import RunError, UsageError
from algotrader.core.events import Event, LimitChanged, LimitChangeRefused
from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.engine.state import EngineState
from algotrader.live.requests import CHANNEL, OPERATOR, LimitRequest
from algotrader.ops.asking import WAIT_S, answered
from algotrader.ops.config import Configuration
from algotrader.ops.standing import folder_of, read_state
from algotrader.risk.limit_changes import require_consistent, value_of, with_limit
from algotrader.risk.loosening import loosens

TO_FILE: Final = "file"
CONFIRMED_MS: Final = 600_000
"""A confirmation that no trader took by then has to be given again (F72)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """A limit as it holds, and as it would hold. None: there is none."""

    key: str
    value: str  # as typed; `file`: as the settings have it
    before: str | None
    after: str | None

    @property
    def loosens(self) -> bool:
        """Whether it lets more happen, and has to be confirmed."""
        return loosens(self.key, self.before, self.after)

    def require_confirmed(self, confirm: str | None) -> None:
        """UsageError unless what lets more happen was confirmed by its key."""
        if self.loosens and confirm != self.key:
            raise UsageError(
                "risk.unconfirmed",
                f"{self.key}: {self.after or 'none'} instead of {self.before} lets more happen; "
                "nothing was changed",
                hint=f"if that is meant: --confirm {self.key}",
            )


def judged(
    configuration: Configuration, state: EngineState | None, key: str, value: str
) -> LimitChange:
    """What a limit is and would be. ConfigurationError if it cannot be that."""
    if state is None:
        file = limits = configuration.settings.risk
    else:
        file, limits = state.risk.state.file, state.risk.state.limits
    before = _text(value_of(limits, key))
    if value == TO_FILE:
        after = _text(value_of(file, key))
    else:
        wanted = with_limit(limits, key, value)
        require_consistent(wanted)
        after = _text(value_of(wanted, key))
    return LimitChange(key=key, value=value, before=before, after=after)


def change_limit(
    configuration: Configuration,
    change: LimitChange,
    reason: str,
    *,
    by: str = OPERATOR,
    channel: str = CHANNEL,
    wait_s: float = WAIT_S,
) -> bool:
    """Ask for a change that was confirmed; whether it holds now. RunError if it was refused.

    Without a trader that answers, the next one takes it at its start.
    """
    asked = LimitRequest(
        key=change.key, value=None if change.value == TO_FILE else change.value, reason=reason,
        before=change.before, by=by, channel=channel,
        until_ms=utc_ms(SystemClock().now()) + CONFIRMED_MS if change.loosens else None,
    )  # fmt: skip

    def is_answer(event: Event) -> bool:
        return isinstance(event, LimitChanged | LimitChangeRefused) and event.key == change.key

    told = answered(configuration, asked, is_answer, wait_s=wait_s) or []
    answers = [one for one in told if is_answer(one)]
    for one in answers:
        if isinstance(one, LimitChangeRefused):
            raise RunError(
                "risk.limit_refused", f"{change.key} stays {change.before}: {one.reason}"
            )
    return bool(answers)


def state_of(configuration: Configuration) -> EngineState | None:
    """Where the journal ends; None before the first start."""
    return read_state(configuration) if folder_of(configuration).chain.exists() else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
