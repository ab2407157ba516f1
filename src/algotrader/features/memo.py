"""Remember what was computed: a sweep asks for the same average a thousand times.

    with memoised(max_bytes=200_000_000):
        ...  # sma(close, 20) is computed once

Only calls whose arrays are read-only are remembered, known by identity: the cache holds on to
them, so an address cannot come to mean another array. Answers are handed out read-only. A caller
that marks an array read-only promises not to change it through another view either. Each thread
has its own cache; outside the context nothing is remembered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

_BLOCK = 2**23  # bytes; numpy asks for huge pages from half of it on

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Answer:
    value: Any
    held: tuple[np.ndarray[Any, Any], ...]  # inputs and outputs, kept alive


@dataclass(slots=True)
class _Holding:
    size: int
    holders: int


class Memo:
    """Answers by (function, arrays, other arguments), the least recently used dropped first."""

    def __init__(self, max_bytes: int) -> None:
        if max_bytes < 0:
            raise ValueError(f"max_bytes must be at least 0, not {max_bytes}")
        self.max_bytes = max_bytes
        self.hits = 0
        self.misses = 0
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()
        self._held: dict[int, _Holding] = {}
        self._bytes = 0
        self._shelf: np.ndarray[Any, Any] | None = None
        self._used = 0  # bytes of the shelf

    @property
    def held_bytes(self) -> int:
        """Memory of the arrays that the cache keeps alive, each counted once."""
        return self._bytes

    def recall(
        self, function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> R:
        """The remembered answer, or a new one, which is remembered when that is safe."""
        key = _key(function, args, kwargs)
        if key is None:
            return function(*args, **kwargs)
        answer = self._answers.get(key)
        if answer is not None:
            self.hits += 1
            self._answers.move_to_end(key)
            value: R = answer.value
            return value
        self.misses += 1
        value = self._shelved(function(*args, **kwargs))
        self._keep(key, value, [*args, *kwargs.values()])
        return value

    def _shelved(self, value: Any) -> Any:
        """A series beside others in one block of memory, which the system maps in huge pages.

        A sweep goes through more pages of 4 kB than a processor keeps the addresses of; what its
        strategies compute from huge ones takes up to a fifth less time.
        """
        whole = type(value) is np.ndarray and value.dtype == np.float64
        if not whole or value.nbytes > _BLOCK // 4 or self.max_bytes < 8 * _BLOCK:
            return value
        if self._shelf is None or self._used + value.nbytes > _BLOCK:
            self._shelf, self._used = np.empty(_BLOCK // 8), 0
        kept = np.ndarray(value.shape, value.dtype, self._shelf, self._used)
        kept[...] = value
        self._used += -(-value.nbytes // 64) * 64  # lines of the cache
        return kept

    def _keep(self, key: Hashable, value: Any, arguments: list[Any]) -> None:
        results = list(value) if isinstance(value, tuple) else [value]
        for result in results:
            if isinstance(result, np.ndarray):
                result.flags.writeable = False
        held = tuple(a for a in (*arguments, *results) if isinstance(a, np.ndarray))
        self._answers[key] = _Answer(value, held)
        for array in map(_owner, held):
            holding = self._held.setdefault(id(array), _Holding(array.nbytes, 0))
            self._bytes += array.nbytes if holding.holders == 0 else 0
            holding.holders += 1
        while self._bytes > self.max_bytes and self._answers:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, answer = self._answers.popitem(last=False)
        for array in map(_owner, answer.held):
            holding = self._held[id(array)]
            holding.holders -= 1
            if holding.holders == 0:
                self._bytes -= holding.size
                del self._held[id(array)]


def _owner(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array whose memory a view keeps alive."""
    return array.base if isinstance(array.base, np.ndarray) else array


def _key(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Hashable:
    """What a call is known by; None when an argument may change or cannot be a key."""
    parts: list[Any] = [function]
    for value in (*args, *kwargs, *kwargs.values()) if kwargs else args:
        kind = type(value)
        if kind is np.ndarray:
            if value.flags.writeable:
                return None
            parts.append(id(value))
        elif kind in _PLAIN:
            parts += (kind, value)  # 1, 1.0 and True are different arguments
        else:
            return None
    return tuple(parts)


_PLAIN = frozenset({int, float, bool, str, type(None), np.int64, np.float64})


class _Local(threading.local):
    cache: Memo | None = None  # of this thread's innermost `memoised`


_local = _Local()


def active() -> Memo | None:
    """The cache of this thread's innermost `memoised`, if it is inside one."""
    return _local.cache


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, whose answers are remembered inside `memoised`."""

    @wraps(function)
    def recalled(*args: P.args, **kwargs: P.kwargs) -> R:
        cache = _local.cache
        if cache is None:
            return function(*args, **kwargs)
        return cache.recall(function, args, kwargs)

    return recalled


@contextmanager
def memoised(max_bytes: int) -> Iterator[Memo]:
    """Remember features of read-only arrays within the block, in at most `max_bytes`.

    `max_bytes` bounds the arrays kept alive, inputs included. Blocks may be nested: the inner
    one has a cache of its own. Yields the cache, whose `hits` and `misses` can be read.

    >>> from algotrader.features import sma
    >>> close = np.arange(100.0)
    >>> close.flags.writeable = False
    >>> with memoised(max_bytes=1_000_000):
    ...     sma(close, 20) is sma(close, 20)
    True
    """
    outer = active()
    _local.cache = Memo(max_bytes)
    try:
        yield _local.cache
    finally:
        _local.cache = outer
