"""The desk as it was, the course of its limits, and conditions tried on the past."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from algotrader.api.dry_run import figures_now, problem_of, tried
from algotrader.api.errors import ApiError
from algotrader.api.models.past import (
    ConditionTried,
    LimitCourse,
    RuleInForce,
    StateThen,
    Word,
)
from algotrader.api.serving import Served, Stands, Viewer, error_answers
from algotrader.engine.state import EngineState
from algotrader.ops.desk_rows import account_rows, order_row, position_rows
from algotrader.risk.language.vocabulary import VOCABULARY

router = APIRouter(responses=error_answers(401, 403, 503))


@router.get(
    "/journal/state", tags=["records"], summary="The desk as it was after a row",
    responses=error_answers(404, 422),
)  # fmt: skip
async def state_then(
    serving: Served,
    state: Stands,
    _: Viewer,
    seq: Annotated[int | None, Query(ge=1, le=2**53, description="the number of a row")] = None,
    at: Annotated[int | None, Query(ge=0, le=2**53, description="or a moment, UTC ms")] = None,
) -> StateThen:
    """Folded from the journal, from the nearest state that is kept; 503 says to ask again."""
    now = _begun(state)
    if (seq is None) == (at is None):
        raise ApiError(422, "api.value", "a row or a moment: one of seq and at")
    past = serving.past
    wanted = seq if seq is not None else await run_in_threadpool(past.seq_at, at or 0)
    then, row = await run_in_threadpool(past.at, now.settings, max(wanted, 1))
    return StateThen.model_validate(
        {
            "seq": row.seq, "at": row.time_ms, "kind": row.kind,
            "accounts": account_rows(then), "positions": position_rows(then),
            "orders": [
                order_row(live) for name in then.books for live in then.orders.open(name)
            ],
        }
    )  # fmt: skip


@router.get(
    "/risk/history", tags=["risk"], summary="How much of each limit was used, for thirty days"
)
async def limit_history(
    serving: Served,
    state: Stands,
    _: Viewer,
    account: Annotated[str | None, Query(max_length=64, description="of this one alone")] = None,
    points: Annotated[int, Query(ge=10, le=1500)] = 240,
) -> list[LimitCourse]:
    """The fullest first. Looked at every half hour at most; 503 says to ask again."""
    if state is None:
        return []
    found = await run_in_threadpool(
        serving.limit_history.rows, state, serving.view.seq, account, points
    )
    return [LimitCourse(**one) for one in found]


@router.get("/risk/rules", tags=["risk"], summary="Rules of one's own, with their figures now")
async def rules(serving: Served, state: Stands, _: Viewer) -> list[RuleInForce]:
    """As they are in force. Rules stand in algotrader.yaml; reloading it changes them."""
    held = serving.configuration.settings.risk if state is None else state.risk.state.limits
    return [
        RuleInForce.model_validate(
            {
                **one.model_dump(mode="json"),
                "now": [] if state is None else figures_now(state, one.when),
            }
        )
        for one in held.rules
    ]


@router.get("/risk/words", tags=["risk"], summary="What a condition may name")
async def words(_: Viewer) -> list[Word]:
    return [
        Word(
            name=name if one.argument is None else f"{name}({one.argument.value})",
            of=one.of.value, kind=str(one.kind), meaning=one.meaning, live_only=one.live_only,
        )
        for name, one in VOCABULARY.items()
    ]  # fmt: skip


@router.get("/risk/conditions", tags=["risk"], summary="Try a condition on the last days")
async def try_condition(
    serving: Served,
    state: Stands,
    _: Viewer,
    when: Annotated[str, Query(max_length=600, examples=["drawdown > 10%"])],
    days: Annotated[int, Query(ge=1, le=365)] = 90,
) -> ConditionTried:
    """Nothing is changed. What cannot be read comes with the column of its fault."""
    problem = problem_of(when)
    run: dict[str, Any] | None = None
    if problem is None and state is not None:
        run = await run_in_threadpool(tried, serving.past, state, serving.view.seq, when, days)
    return ConditionTried.model_validate({"when": when, "problem": problem, "run": run})


def _begun(state: EngineState | None) -> EngineState:
    if state is None:
        raise ApiError(
            404, "journal.missing", "nothing was traded here yet", hint="algotrader trade"
        )
    return state
