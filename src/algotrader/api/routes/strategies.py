"""Strategies: how each stands; stop, start, read anew, unload, other parameters; those there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from algotrader.api import desk_rows
from algotrader.api.access import Caller
from algotrader.api.errors import ApiError, not_found
from algotrader.api.models.desk import Strategy
from algotrader.api.models.records import (
    ParametersWish,
    StopWish,
    StrategyAnswer,
    StrategyKind,
    StrategyWish,
    Uploaded,
    UploadWish,
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
from algotrader.core.events import TradingMode
from algotrader.ops.asking import is_running
from algotrader.ops.strategy_asking import StrategyDesk

router = APIRouter(tags=["strategies"], responses=error_answers(401, 403, 503))
T = TypeVar("T")
_WAIT_S = 5.0
"""What is not known by then is said to be so (the console asks for it anew)."""


@router.get("/strategies", summary="Every strategy of the settings, and how it stands")
async def strategies(serving: Served, state: Stands, _: Viewer) -> list[Strategy]:
    runs = is_running(serving.configuration)
    known = serving.configuration.settings.strategies
    return [
        Strategy(**desk_rows.strategy(serving.view, state, name, one, runs))
        for name, one in known.items()
    ]


@router.get("/strategies/{name}", summary="One strategy", responses=error_answers(404))
async def strategy(serving: Served, state: Stands, _: Viewer, name: str) -> Strategy:
    known = serving.configuration.settings.strategies
    if name not in known:
        raise not_found("strategy", name, f"strategies are: {', '.join(known) or 'none'}")
    runs = is_running(serving.configuration)
    return Strategy(**desk_rows.strategy(serving.view, state, name, known[name], runs))


@router.post(
    "/strategies/{name}/stop", summary="Stop one strategy", responses=error_answers(404, 422)
)
async def stop_strategy(
    serving: Served, caller: Trader, name: str, wish: StopWish
) -> StrategyAnswer:
    """The others go on. What it holds stays, unless it is to be sold first."""
    done = await _ask(
        serving, caller, name,
        lambda one: one.mode(TradingMode.HALTED, wish.reason, flatten=wish.flatten),
    )  # fmt: skip
    return _told(serving, caller, name, "stop", wish.reason, done, after={"flatten": wish.flatten})


@router.post(
    "/strategies/{name}/start", summary="Let a strategy go on", responses=error_answers(404, 422)
)
async def start_strategy(
    serving: Served, caller: Trader, name: str, wish: StrategyWish
) -> StrategyAnswer:
    """One that a person stopped."""
    done = await _ask(serving, caller, name, lambda one: one.mode(TradingMode.TRADING, wish.reason))
    return _told(serving, caller, name, "start", wish.reason, done)


@router.post(
    "/strategies/{name}/load", summary="Read its file again", responses=error_answers(404, 422)
)
async def load_strategy(
    serving: Served, caller: Admin, name: str, wish: StrategyWish
) -> StrategyAnswer:
    """Also brings an unloaded one back. A file that cannot be used leaves the old one deciding."""
    done = await _ask(serving, caller, name, lambda one: one.load(wish.reason) is not None)
    return _told(serving, caller, name, "load", wish.reason, done)


@router.post(
    "/strategies/{name}/unload", summary="Put a strategy away", responses=error_answers(404, 422)
)
async def unload_strategy(
    serving: Served, caller: Trader, name: str, wish: StrategyWish
) -> StrategyAnswer:
    """Refused while it holds something."""
    done = await _ask(serving, caller, name, lambda one: one.unload(wish.reason) is not None)
    return _told(serving, caller, name, "unload", wish.reason, done)


@router.patch(
    "/strategies/{name}/parameters", summary="Decide with other parameters",
    responses=error_answers(404, 422),
)  # fmt: skip
async def set_parameters(
    serving: Served, caller: Trader, name: str, wish: ParametersWish
) -> StrategyAnswer:
    """From the next decision on, until they are set to null: as the file has them."""
    typed = {key: None if one is None else _text(one) for key, one in wish.values.items()}
    set_ = await _ask(serving, caller, name, lambda one: one.set(typed, wish.reason))
    answer = _told(
        serving, caller, name, "set parameters", wish.reason, set_ is not None, after=typed,
        before=None if set_ is None else {one.key: one.before for one in set_.changes},
    )  # fmt: skip
    parameters = None if set_ is None else dict(set_.parameters)
    return answer.model_copy(update={"parameters": parameters})


@router.get("/strategy-kinds", summary="Strategies that can be tested, and their parameters")
async def strategy_kinds(serving: Served, _: Viewer) -> list[StrategyKind]:
    """The library's, installed ones, and files of the workspace, read in a process of their own."""
    return [StrategyKind(**row) for row in await serving.files.kinds()]


@router.post(
    "/strategy-files", summary="Load a strategy's file into the workspace", status_code=201,
    responses=error_answers(409, 413, 422),
)  # fmt: skip
async def upload_strategy(serving: Served, caller: Admin, wish: UploadWish) -> Uploaded:
    """It is code, and runs with the rights of this system: only with `api.uploads: true`.

    Nothing trades it by that: the settings name what trades.
    """
    if not serving.configuration.settings.api.uploads:
        raise ApiError(
            403, "strategy.uploads_off", "files of strategies are not taken from a browser here",
            hint="they are code: set api: {uploads: true} in algotrader.yaml, and start the API anew",
        )  # fmt: skip
    file = serving.files.folder / wish.name
    if file.is_symlink() or (file.exists() and not wish.replace):
        raise ApiError(409, "strategy.file_exists", f"{wish.name} is there already", hint="replace")
    before = file.read_text() if file.exists() else None
    await run_in_threadpool(_write, serving, wish)
    changed = "new" if before is None else f"replaced {len(before)} characters"
    serving.access.note(caller, "load a strategy's file", wish.name, before=changed)
    use = serving.files.use(file)  # this very one: the name may end that of another file
    (kind,) = await serving.files.kinds({use: "workspace"})
    return Uploaded(use=use, kind=StrategyKind(**kind))


def _write(serving: Serving, wish: UploadWish) -> None:
    from algotrader.backtest.store import write_file

    write_file(serving.files.folder / wish.name, wish.source.encode())


async def _ask(
    serving: Serving, caller: Caller, name: str, asked: Callable[[StrategyDesk], T]
) -> T:
    configuration = serving.configuration
    known = configuration.settings.strategies
    if name not in known:
        raise not_found("strategy", name, f"strategies are: {', '.join(known) or 'none'}")
    desk = StrategyDesk(
        configuration=configuration, name=name, by=caller.name, channel=CHANNEL, wait_s=_WAIT_S
    )
    return await run_in_threadpool(asked, desk)


def _told(
    serving: Serving, caller: Caller, name: str, asked: str, reason: str, done: bool,
    before: Any = None, after: Any = None,
) -> StrategyAnswer:  # fmt: skip
    serving.access.note(caller, asked, name, before=before, after=after, says=reason)
    return StrategyAnswer(
        strategy=name, asked=asked, running=is_running(serving.configuration), in_force=done
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
