"""Parity: is what was tested what was traded? Two comparisons of a journal, and their findings.

    result = compare(desk, rows)      # rows: JournalFolder(...).reading()
    result.is_clean                   # replay equal, every difference with a cause, most compared

*Replay*: the journal's inputs go through this build's engine, and every row must come out again
byte for byte. *Backtest*: the same range on today's bars with simulated fills; each decision is
compared, and each difference has one cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from algotrader.core.errors import DataError
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.instants import utc_at
from algotrader.live.journal.port import Rows
from algotrader.parity.asknown import AsKnown
from algotrader.parity.causes import Cause, Compared, Sameness
from algotrader.parity.evidence import KnownBars, Uptime
from algotrader.parity.explaining import Explainer
from algotrader.parity.reading import steps_of
from algotrader.parity.record import Record
from algotrader.parity.replaying import Replayed, Replayer
from algotrader.parity.today import Desk, Range, begun_later, run_today
from algotrader.strategy.base import Style


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Both comparisons of one journal."""

    run_id: str
    span: Range
    replay: Replayed
    decisions: tuple[Compared, ...]  # in the order of their time
    not_compared: int  # decisions after the end of today's data
    currencies: Mapping[AccountId, str] = field(default_factory=dict)  # of the accounts

    @property
    def counts(self) -> Counter[Sameness]:
        return Counter(one.sameness for one in self.decisions)

    @property
    def causes(self) -> Counter[Cause]:
        return Counter(one.cause for one in self.decisions if one.cause is not None)

    @property
    def adds_up(self) -> bool:
        """Whether what all strategies are worth is one amount: no sum is of two currencies (R26)."""
        sides = [side for one in self.decisions for side in (one.journal, one.backtest)]
        accounts = {side.account for side in sides if side is not None}
        return len({self.currencies.get(account) for account in accounts}) <= 1

    @property
    def decided(self) -> int:
        """All decisions of the range, compared or not."""
        return len(self.decisions) + self.not_compared

    @property
    def is_conclusive(self) -> bool:
        """At least half of the decisions were compared: fewer say nothing of the whole."""
        return len(self.decisions) >= self.not_compared

    @property
    def has_finding(self) -> bool:
        """The replay differs, or a difference has no cause."""
        return not self.replay.is_equal or bool(self.causes[Cause.UNKNOWN])

    @property
    def is_clean(self) -> bool:
        """A plain yes: enough was compared, and nothing of it is a finding."""
        return self.is_conclusive and not self.has_finding


def compare(
    desk: Desk,
    rows: Rows,
    *,
    on_stage: Callable[[str], None] = lambda _: None,
) -> Parity:
    """Both comparisons of the journal in `rows` with the desk as it is configured today.

    DataError if it holds no decision, or today's data none of its range; JournalDamagedError
    where its chain breaks.
    """
    live = Record(desk.settings)
    on_stage("replay")
    replayer = Replayer(desk.settings, lambda: steps_of(rows), live.hear)
    replayed = replayer.run(live.start)
    span = _span(live)
    _require_data(desk, span)
    on_stage("backtest")
    today = run_today(desk, span, live.deposits, live.added)
    on_stage("compare")
    decisions, beyond = _compared(desk, live, today, span)
    return Parity(
        run_id=desk.settings.run_id, span=span, replay=replayed,
        decisions=decisions, not_compared=beyond,
        currencies={one.account_id: str(one.currency) for one in desk.settings.accounts},
    )  # fmt: skip


def _compared(
    desk: Desk, live: Record, today: Record, span: Range
) -> tuple[tuple[Compared, ...], int]:
    strategies = [one for account in desk.accounts for one in account.strategies]
    known: Mapping[StrategyId, AsKnown] = {
        one.name: AsKnown(one.strategy, one.bars, live, span.first_ms)
        for one in strategies
        if one.strategy.style is Style.TARGETS
    }
    explainer = Explainer(
        live, today, known=known, uptime=Uptime(live),
        bars={one.name: KnownBars(live, one.bars, (span.first_ms, span.last_ms))
              for one in strategies},
        changes=desk.changes,
    )  # fmt: skip
    ends = {one.name: int(one.bars.known_at[-1]) for one in strategies}
    keys = sorted({*live.decisions, *today.decisions})
    within = [key for key in keys if key.decision_ts <= ends[key.strategy]]
    begins = begun_later(live.added)  # an account that was added decided nothing before
    first = {one.name: begins.get(one.account, 0) for one in strategies}
    compared = (explainer.compare(key) for key in within if key.decision_ts >= first[key.strategy])
    return tuple(compared), len(keys) - len(within)


def _span(live: Record) -> Range:
    times = [slice_.decision_ts for slice_ in live.slices.values()]
    if not times:
        raise DataError(
            "parity.nothing",
            "the journal has no decision yet: there is nothing to compare",
            hint="algotrader trade",
        )
    return Range(first_ms=min(times), last_ms=max(times))


def _require_data(desk: Desk, span: Range) -> None:
    for account in desk.accounts:
        last_ms = int(account.market.bars.known_at[-1])
        if last_ms < span.first_ms:
            first, last = utc_at(span.first_ms), utc_at(last_ms)
            raise DataError(
                "parity.no_data",
                f"the journal begins at {first:%Y-%m-%d %H:%M}, today's data of account "
                f"{account.name} ends at {last:%Y-%m-%d %H:%M}: there is nothing to compare "
                "its decisions with",
                hint="bring in the bars of its range: algotrader data download",
            )
