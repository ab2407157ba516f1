"""Settings in force, limits to change, jobs at set times."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from algotrader.api.held_settings import held_otherwise
from algotrader.api.models.records import (
    Job,
    JobRunRow,
    LimitTried,
    LimitWish,
    ReloadWish,
    Setting,
    SettingChanged,
    SettingsRead,
)
from algotrader.api.serving import (
    CHANNEL,
    Admin,
    Served,
    Serving,
    Stands,
    Trader,
    Viewer,
    error_answers,
)
from algotrader.core.instants import utc_ms
from algotrader.ops.asking import is_running
from algotrader.ops.limit_asking import change_limit, judged
from algotrader.ops.observing.wiring import redactor_of
from algotrader.ops.reloading import needs_restart
from algotrader.ops.setting_rows import setting_rows

router = APIRouter(tags=["settings"], responses=error_answers(401, 403, 503))
_WAIT_S = 5.0


@router.get("/settings", summary="Every setting in force, and where it comes from")
async def settings(serving: Served, _: Viewer) -> list[Setting]:
    """Secrets stand in no setting; what looks like one is hidden all the same."""
    redactor = redactor_of(serving.configuration, os.environ)
    rows = await run_in_threadpool(setting_rows, serving.configuration)
    now = serving.configuration.settings
    others = await _otherwise(serving)
    return [
        Setting(
            **{**row, "value": redactor.value(row["value"])}, restart=needs_restart(row["key"], now),
            differs=(own := _of(row["key"], others)) is not None,
            held=None if own is None else redactor.value(own or None),
        )
        for row in rows
    ]  # fmt: skip


async def _otherwise(serving: Serving) -> dict[str, str | None]:
    """What a running trader holds that was not read here: its command line, a file changed since."""
    view = serving.view
    if view.failure is not None or view.state is None:
        return {}
    if not await run_in_threadpool(is_running, serving.configuration):
        return {}
    return held_otherwise(serving.configuration, view.state)


def _of(key: str, others: Mapping[str, str | None]) -> str | None:
    """Of a setting, or of what stands inside it: `fast: 12, slow: 48`; empty where it is not set."""
    inside = {name: held for name, held in others.items() if name.startswith(f"{key}.")}
    if key in others:
        return others[key] or ""
    if not inside:
        return None
    return ", ".join(f"{name[len(key) + 1 :]}: {held or '–'}" for name, held in inside.items())


@router.post(
    "/settings/reload", summary="Let the trader read its settings file again",
    responses=error_answers(422),
)  # fmt: skip
async def reload(serving: Served, caller: Admin, wish: ReloadWish) -> SettingsRead:
    """Limits, parameters, notification and log levels change at once; the rest waits for a restart.

    A file that cannot be used changes nothing and is refused with what is wrong in it.
    """
    from algotrader.ops.reload_asking import ask_to_reload, holding_since

    running = await run_in_threadpool(is_running, serving.configuration)
    told = None
    if running:
        told = await run_in_threadpool(
            ask_to_reload, serving.configuration, wish.reason, by=caller.name, channel=CHANNEL,
            wait_s=_WAIT_S,
        )  # fmt: skip
    if told is not None:
        serving.configuration = await run_in_threadpool(
            holding_since, told, serving.configuration, os.environ
        )
    redactor = redactor_of(serving.configuration, os.environ)
    changes = [
        SettingChanged(
            key=one.key, before=redactor.value(one.before), after=redactor.value(one.after),
            refused=one.refused,
        )
        for one in (told.changes if told is not None else ())
    ]  # fmt: skip
    serving.access.note(
        caller,
        "reload settings",
        "algotrader.yaml",
        says=wish.reason,
        after=[one.key for one in changes if one.refused is None],
    )
    return SettingsRead(running=running, answered=told is not None, changes=changes)


@router.get(
    "/risk/limits/{key}", summary="What a change of a limit would do",
    responses=error_answers(404, 422),
)  # fmt: skip
async def try_limit(
    serving: Served,
    state: Stands,
    _: Viewer,
    key: str,
    value: Annotated[str, Query(max_length=200, examples=["2%"])],
) -> LimitTried:
    """Nothing is changed. `loosens` says whether it lets more happen."""
    change = judged(serving.configuration, state, key, value)
    return LimitTried(
        key=key, before=change.before, after=change.after, loosens=change.loosens, in_force=False
    )


@router.put("/risk/limits/{key}", summary="Change a limit", responses=error_answers(404, 409, 422))
async def set_limit(
    serving: Served, state: Stands, request: Request, caller: Trader, key: str, wish: LimitWish
) -> LimitTried:
    """From here on, restarts included. What lets more happen is confirmed by the key itself."""
    change = judged(serving.configuration, state, key, wish.value)
    change.require_confirmed(wish.confirm)
    outcome = "refused"
    try:
        holds = await run_in_threadpool(
            change_limit, serving.configuration, change, wish.reason, by=caller.name,
            channel=CHANNEL, wait_s=_WAIT_S,
        )  # fmt: skip
        outcome = "done"
    finally:
        request.state.is_noted = True
        serving.access.note(
            caller, "change a limit", key, before=change.before, after=change.after,
            outcome=outcome, says=wish.reason,
        )  # fmt: skip
    return LimitTried(
        key=key, before=change.before, after=change.after, loosens=change.loosens, in_force=holds
    )


@router.get("/jobs", summary="What is done at set times")
async def jobs(serving: Served, _: Viewer) -> list[Job]:
    from algotrader.ops.scheduling.listing import job_rows

    now_ms = utc_ms(serving.clock.now())
    return [Job(**row) for row in await run_in_threadpool(job_rows, serving.configuration, now_ms)]


@router.get("/jobs/runs", summary="The last runs of jobs")
async def job_runs(
    serving: Served,
    _: Viewer,
    job: Annotated[str | None, Query(max_length=32, description="of this one alone")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[JobRunRow]:
    """The newest first, with the end of what each printed."""
    from algotrader.ops.scheduling.history import JobHistory
    from algotrader.ops.scheduling.wiring import jobs_folder

    history = JobHistory(jobs_folder(serving.configuration))
    found = await run_in_threadpool(history.runs, job, limit)
    return [
        JobRunRow(
            number=one.number, job=one.job, due=one.due_ms, started=one.started_ms,
            ended=one.ended_ms, outcome=one.outcome.value, says=one.says,
        )
        for one in found
    ]  # fmt: skip
