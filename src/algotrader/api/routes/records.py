"""What was written down: journal, decisions, alerts, logs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from algotrader.api.errors import not_found
from algotrader.api.journal_pages import Numbered, newest_rows, picked_rows
from algotrader.api.log_lines import newest_lines
from algotrader.api.models.common import Page
from algotrader.api.models.records import (
    Alert,
    Decision,
    DecisionStory,
    JournalKinds,
    JournalRow,
    LogLine,
    RuleChange,
    Verified,
)
from algotrader.api.paging import Cursor, Limit, page_of, place_of
from algotrader.api.serving import Served, Serving, Stands, Viewer, error_answers
from algotrader.api.view import DeskView
from algotrader.core.events import Decided, Event, OrderSubmitted, decode_event
from algotrader.live.journal.chain import Row
from algotrader.live.journal.records import PREFIX
from algotrader.live.journal.segments import SegmentRows
from algotrader.live.journal.showing import plain_body
from algotrader.live.topics import topic_of
from algotrader.ops.standing import folder_of

router = APIRouter(tags=["records"], responses=error_answers(401, 403, 503))
_BLOCK: Final = 500  # rows that are looked through in one turn of a thread
_MOST_READ: Final = 20_000  # for one answer
Kinds = Annotated[
    list[str] | None, Query(max_length=60, description="of these kinds alone; repeatable")
]


@router.get("/journal", summary="Rows of the journal", responses=error_answers(400))
async def journal(
    serving: Served,
    _s: Stands,
    _: Viewer,
    kind: Kinds = None,
    contains: Annotated[
        str | None, Query(min_length=2, max_length=100, description="text that a row holds")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[JournalRow]:
    """The newest first."""
    view, kinds = serving.view, kind or ()
    before = place_of(cursor)
    if contains is None:
        seqs = view.index.newest(kinds, before, limit)
        before = seqs[-1] if seqs else None
        rows = _rows(view.picked(seqs), view.picked)
        total = view.index.count(kinds or list(view.index.kinds()))
    else:
        rows, before = await _containing(serving, kinds, contains.encode(), before, limit)
        total = None
    following = before if before is not None and view.index.newest(kinds, before, 1) else None
    return Page[JournalRow](**page_of(rows, following, total))


async def _containing(
    serving: Serving, kinds: Sequence[str], text: bytes, before: int | None, limit: int
) -> tuple[list[JournalRow], int | None]:
    """Rows that hold a text, and where it was looked last; the cursor goes on from there."""
    found: list[JournalRow] = []
    index, read = serving.view.index, 0
    if not index.last:
        return found, None
    with folder_of(serving.configuration).reading() as rows:
        while len(found) < limit and read < _MOST_READ:
            seqs = index.newest(kinds, before, _BLOCK)
            if not seqs:
                return found, None
            read += len(seqs)
            looked = partial(_holding, rows, seqs, text, limit - len(found))
            fitting = await serving.apart.run(looked)
            found += fitting
            before = found[-1].seq if len(found) == limit else seqs[-1]
    return found, before


def _holding(rows: SegmentRows, seqs: Sequence[int], text: bytes, most: int) -> list[JournalRow]:
    """Up to so many of the rows with a text, the newest first."""
    fitting = [row for row in rows.picked(sorted(seqs))[::-1] if text in row.body]
    return _rows(fitting[:most], rows.picked)


@router.get("/journal/kinds", summary="How many rows there are of each kind")
async def journal_kinds(serving: Served, _s: Stands, _: Viewer) -> JournalKinds:
    return JournalKinds(last=serving.view.index.last, kinds=serving.view.index.kinds())


@router.get("/journal/verify", summary="Check the chain of hashes", responses=error_answers(404))
async def journal_verify(
    serving: Served,
    _: Viewer,
    after: Annotated[int, Query(ge=0, description="take rows up to here on trust")] = 0,
) -> Verified:
    """The same check as `algotrader journal verify`, in a thread of its own; of a long journal it takes long."""
    from algotrader.live.journal.verifying import verify

    def checked() -> Verified:
        with folder_of(serving.configuration).reading() as rows:
            found = verify(rows, after=after)
        problem = None if found.problem is None else {**found.problem.as_dict()}
        return Verified(rows=found.rows, kept=found.kept.seq, problem=problem)

    return await serving.apart.run(checked)


def _rows(rows: Sequence[Row], picked: Callable[[list[int]], list[Row]]) -> list[JournalRow]:
    """As they are shown, each with the hash of the row before it."""
    held = {row.seq: row.hash for row in rows}
    missing = sorted({seq - 1 for seq in held} - set(held) - {0})
    held |= {row.seq: row.hash for row in picked(missing)}
    return [_row(row, held[row.seq - 1].hex() if row.seq - 1 in held else None) for row in rows]


def _row(row: Row, previous: str | None) -> JournalRow:
    own = row.kind.startswith(PREFIX)
    return JournalRow(
        seq=row.seq, at=row.time_ms, kind=row.kind, data=plain_body(row.body), hash=row.hash.hex(),
        previous=previous, topic=None if own else topic_of(decode_event(row.body)),
    )  # fmt: skip


@router.get(
    "/decisions", summary="What strategies decided, and from what", responses=error_answers(400)
)
async def decisions(
    serving: Served,
    _s: Stands,
    _: Viewer,
    strategy: Annotated[str | None, Query(description="of this strategy alone")] = None,
    symbol: Annotated[str | None, Query(description="of this instrument alone")] = None,
    at: Annotated[
        int | None, Query(ge=0, description="of this decision time alone, UTC ms")
    ] = None,
    acted: Annotated[bool, Query(description="only those that changed what is wanted")] = False,
    turned: Annotated[
        bool, Query(description="only those after which another quantity was worked towards")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Decision]:
    """The newest first; each with the row of features that led to it."""

    def is_wanted(event: Event) -> bool:
        return (
            isinstance(event, Decided)
            and (strategy is None or event.strategy == strategy)
            and (symbol is None or str(event.instrument) == symbol)
            and (at is None or event.decision_ts == at)
            and (not acted or event.latched_quantity is not None)
        )

    if turned:
        rows, following = await _turns(serving.view, place_of(cursor), limit, is_wanted)
        return Page[Decision](**page_of(_decisions(rows), following))
    asked = (strategy, symbol, at)
    is_filtered = acted or any(one is not None for one in asked)
    rows, following = await newest_rows(
        serving.view, ("Decided",), place_of(cursor), limit, is_wanted if is_filtered else None
    )
    return Page[Decision](**page_of(_decisions(rows), following))


async def _turns(
    view: DeskView, before: int | None, limit: int, is_wanted: Callable[[Event], bool]
) -> tuple[list[Numbered], int | None]:
    """The newest first, and the number to go on from if there may be more."""

    def more(before: int | None, count: int) -> list[int]:
        end = len(view.turns) if before is None else bisect_left(view.turns, before)
        return view.turns[max(end - count, 0) : end].tolist()[::-1]

    return await picked_rows(view, more, before, limit, is_wanted)


def _decisions(rows: Sequence[Numbered]) -> list[Decision]:
    return [_decision(row.seq, event) for row, event in rows if isinstance(event, Decided)]


@router.get("/decisions/{seq}", summary="Why it did that", responses=error_answers(404))
async def decision(serving: Served, _s: Stands, _: Viewer, seq: int) -> DecisionStory:
    """A decision, and what its step wrote of the same instrument: refusals, orders, rules."""
    rows = serving.view.step_from(seq)
    if not rows or rows[0].kind != "Decided":
        raise not_found("decision", str(seq))
    decided = decode_event(rows[0].body)
    assert isinstance(decided, Decided)
    needle = str(decided.instrument).encode()
    after = [row for row in rows[1:] if row.kind != "Decided" and needle in row.body]
    events = [decode_event(row.body) for row in after if not row.kind.startswith(PREFIX)]
    orders = [
        str(one.order.order_id)
        for one in events
        if isinstance(one, OrderSubmitted) and one.order.strategy == decided.strategy
    ]
    return DecisionStory(
        decision=_decision(seq, decided),
        events=_rows(after, serving.view.picked),
        orders=orders,
    )


def _decision(seq: int, event: Decided) -> Decision:
    latched = event.latched_quantity
    return Decision(
        seq=seq, at=event.decision_ts, account=event.account, strategy=event.strategy,
        instrument=str(event.instrument), outcome=event.outcome.value, target=event.target,
        acted=latched is not None, latched_quantity=None if latched is None else str(latched),
        lots=event.lots, equity=str(event.equity), price=event.price, quote=event.quote,
        features=dict(event.features), state=dict(event.state), error=event.error,
        rules=[
            RuleChange(
                rule=one.rule, before=str(one.before), after=str(one.after), reason=one.reason
            )
            for one in event.rules
        ],
    )  # fmt: skip


@router.get("/alerts", summary="What a person is told of", responses=error_answers(400))
async def alerts(
    serving: Served,
    _s: Stands,
    _: Viewer,
    language: Annotated[Literal["en", "zh"], Query()] = "en",
    severity: Annotated[
        list[Literal["critical", "important", "info"]] | None, Query(description="these alone")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Alert]:
    """The newest first, in the words of the messages; the last thousand are kept."""
    found = serving.alerts.newest(place_of(cursor), limit, severity or ())
    items = [
        Alert(
            seq=one.seq, at=one.at, severity=one.severity, cause=one.cause,
            title=one.title[language], text=one.text[language],
        )
        for one in found
    ]  # fmt: skip
    return Page[Alert](**page_of(items, found[-1].seq if len(found) == limit else None))


@router.get("/logs", summary="The newest lines of the logs")
async def logs(
    serving: Served,
    _: Viewer,
    process: Annotated[
        str | None, Query(pattern=r"^[a-z_-]{1,32}$", description="algotrader, api, scheduler, …")
    ] = None,
    level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"], Query(description="at least")
    ] = "info",
    contains: Annotated[str | None, Query(min_length=2, max_length=100)] = None,
    limit: Limit = 200,
) -> list[LogLine]:
    """The newest first; secrets were taken out when they were written, and are again."""
    folder: Path = serving.configuration.path(serving.configuration.settings.workspace.logs)
    found: list[dict[str, Any]] = await run_in_threadpool(
        newest_lines, folder, process, level, contains, limit
    )
    return [LogLine(**one) for one in found]
