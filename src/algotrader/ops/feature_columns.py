"""What a configured strategy computes of its bars: `python -m algotrader.ops.feature_columns`.

The very code that decides, in a process of its own: who serves the console runs no file of a
person, and the process that does has no secrets and no network (F81).
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import AlgotraderError, RunError
from algotrader.ops.config import Configuration, load
from algotrader.ops.desk import build_desk
from algotrader.ops.without_network import leave_network

MOST_ROWS: Final = 200_000
_LONGEST_S: Final = 60.0
_GIVES_WAY: Final = 15  # of niceness: trading comes first
_REFUSED: Final = 3  # exit code; stdout says why


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Whose features, over which bars."""

    config: str
    strategy: str
    parameters: dict[str, Any]  # those in force


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureColumns:
    """Features by name `(T, N)`, over bars opened at `ts` `(T,)`, one column a symbol."""

    symbols: tuple[str, ...]
    ts: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]


async def feature_columns(
    question: Question, folder: Path, environment: Mapping[str, str]
) -> FeatureColumns:
    """From a process of its own. RunError with the reason if it cannot compute them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "algotrader.ops.feature_columns", cwd=folder, env=environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_LONGEST_S):
            told, _ = await process.communicate(msgspec.json.encode(question))
    except TimeoutError as error:
        raise _uncomputed(question, f"it took longer than {_LONGEST_S:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return _read(told)
    why = f"its process ended with {process.returncode}"
    if process.returncode == _REFUSED:
        why = str(msgspec.json.decode(told)["message"])
    raise _uncomputed(question, why)


def _uncomputed(question: Question, why: str) -> RunError:
    return RunError(
        "strategy.features", f"the features of {question.strategy} could not be computed: {why}",
        hint="algotrader check FILE says what is wrong with a strategy",
    )  # fmt: skip


def computed(configuration: Configuration, question: Question) -> FeatureColumns:
    """As the trader computes them: over all bars that the lake has, with those parameters."""
    from algotrader.strategy.decide import prepare_all

    own = configuration.settings.strategies[question.strategy]
    alone = {question.strategy: own.model_copy(update={"parameters": question.parameters})}
    settings = configuration.settings.model_copy(update={"strategies": alone})
    (one,) = build_desk(replace(configuration, settings=settings)).strategies
    shape = (len(one.bars), len(one.bars.symbols))
    features = prepare_all(one.strategy, one.bars).features
    return FeatureColumns(
        symbols=tuple(str(symbol) for symbol in one.bars.symbols),
        ts=one.bars.ts[-MOST_ROWS:],
        values={name: _wide(values, shape)[-MOST_ROWS:] for name, values in features.items()},
    )


def _wide(values: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float64]:
    """`(T, N)`: one column for all instruments stands for each."""
    found = np.asarray(values, np.float64)
    return np.broadcast_to(found if found.ndim == 2 else found[:, None], shape)


def _written(columns: FeatureColumns) -> bytes:
    buffer = BytesIO()
    names = list(columns.values)
    head = msgspec.json.encode({"symbols": columns.symbols, "names": names})
    arrays: dict[str, Any] = {
        f"f{number}": columns.values[name] for number, name in enumerate(names)
    }
    np.savez(buffer, head=np.frombuffer(head, np.uint8), ts=columns.ts, **arrays)
    return buffer.getvalue()


def _read(told: bytes) -> FeatureColumns:
    held = np.load(BytesIO(told), allow_pickle=False)
    head = msgspec.json.decode(held["head"].tobytes())
    values = {name: held[f"f{number}"] for number, name in enumerate(head["names"])}
    return FeatureColumns(symbols=tuple(head["symbols"]), ts=held["ts"], values=values)


def main() -> int:
    """What is asked stands on stdin; what a strategy prints goes to stderr."""
    os.nice(_GIVES_WAY)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    try:
        leave_network()
        columns = computed(load(Path(question.config), environment=os.environ), question)
    except AlgotraderError as error:
        out.write(msgspec.json.encode({"message": error.message}))
        out.flush()
        return _REFUSED
    out.write(_written(columns))
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
