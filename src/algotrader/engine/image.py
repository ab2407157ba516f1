"""An engine's state as bytes, and back: what a snapshot holds.

The whole graph of objects is written, with the settings that it belongs to, so a part that is
added to the state is in the next image without a line here. It is read by `pickle` with one door
closed: nothing but the plain classes of the program's own deciding packages, and a few of the
standard library that hold data, can be made. Which build may read an image is not said here: the
caller keeps the name of the build beside it.
"""

from __future__ import annotations

import copyreg
import dataclasses
import io
import pickle
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, Final

import msgspec

from algotrader.engine.state import EngineState
from algotrader.portfolio.sizing import kernel_terms

OWN: Final = ("core", "portfolio", "risk", "execution", "engine")
"""Packages whose classes a state is made of."""
_PACKAGES: Final = tuple(f"algotrader.{name}." for name in OWN)
_PLAIN: Final = frozenset(
    {
        ("builtins", "set"),
        ("builtins", "frozenset"),
        ("builtins", "object"),
        ("collections", "deque"),
        ("collections", "OrderedDict"),
        ("datetime", "datetime"),
        ("datetime", "date"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        (__name__, "_struct"),
    }
)
_ABSENT: Final = object()
_MADE_AGAIN: Final = ("terms", "_looked", "_equities")  # from the settings; last answers


class ImageError(Exception):
    """The bytes are no image that this build can read."""


def image_of(state: EngineState) -> bytes:
    """`state` as bytes. Equal histories need not give equal bytes: compare states instead."""
    kept = {name: part for name, part in vars(state).items() if name not in _MADE_AGAIN}
    written = io.BytesIO()
    pickler = pickle.Pickler(written, protocol=pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _writers()
    pickler.dump(kept)
    return written.getvalue()


def state_of(image: bytes) -> EngineState:
    """The state that an image holds, with its settings. ImageError if it holds none."""
    try:
        kept: Any = _Reader(io.BytesIO(image)).load()
        state = EngineState.__new__(EngineState)
        terms = kernel_terms(kept["settings"].instruments)
        vars(state).update(kept, terms=terms, _looked={}, _equities={})
    except Exception as error:  # pickle tells of damage by errors of any kind
        raise ImageError(f"it cannot be read: {error!r}") from error
    return state


def _written(value: msgspec.Struct) -> tuple[Callable[..., msgspec.Struct], tuple[object, ...]]:
    fields = {name: getattr(value, name) for name in value.__struct_fields__}
    return _struct, (type(value), fields)


def _struct(kind: type[msgspec.Struct], fields: dict[str, Any]) -> msgspec.Struct:
    return kind(**fields)


@cache
def _writers() -> dict[type, Callable[[Any], Any]]:
    """How structs, members and frozen records are written; all else as `pickle` has it."""
    found: dict[type, Callable[[Any], Any]] = {}
    waiting: list[type] = [msgspec.Struct]
    while waiting:
        kind = waiting.pop()
        found[kind] = _written
        waiting += kind.__subclasses__()
    modules = [module for name, module in sys.modules.items() if name.startswith(_PACKAGES)]
    for kind in (kind for module in modules for kind in vars(module).values()):
        if isinstance(kind, type) and issubclass(kind, Enum):
            found[kind] = _member
        getstate = getattr(kind, "__getstate__", None) if isinstance(kind, type) else None
        if getattr(getstate, "__name__", "") == "_dataclass_getstate":
            found[kind] = _record_writer(kind)
    return found


def _member(value: Enum) -> tuple[type[Enum], tuple[object]]:
    """A member by its value. Python 3.11.0 to 3.11.3 look it up by a function, which is not read."""
    return type(value), (value.value,)


def _record_writer(kind: type) -> Callable[[Any], Any]:
    """What a record's own way of writing gives, without looking for its fields each time."""
    names = [field.name for field in dataclasses.fields(kind)]
    values = attrgetter(*names) if len(names) > 1 else None

    def written(value: Any) -> Any:
        state = [getattr(value, name) for name in names] if values is None else values(value)
        return copyreg.__newobj__, (kind,), state  # type: ignore[attr-defined]  # pickle's own, missing in the stubs

    return written


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only classes, and only of these places: reading an image runs no function."""
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        if module.startswith(_PACKAGES):
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"an image holds no {module}.{name}")


def differences(ours: EngineState, theirs: EngineState) -> list[str]:
    """The parts in which two states differ, by name; empty if they are equal.

    Orders of dictionaries count: the engine goes through them.
    """
    mine, other = (
        {name: part for name, part in vars(state).items() if name not in _MADE_AGAIN}
        for state in (ours, theirs)
    )
    seen: Seen = {}
    return [
        name
        for name in sorted({*mine, *other})
        if as_plain(mine.get(name), seen) != as_plain(other.get(name), seen)
    ]


def differences_of(ours: Any, theirs: Any) -> list[str]:
    """The fields in which two records of one class differ, by name."""
    return [
        field.name
        for field in dataclasses.fields(ours)
        if as_plain(getattr(ours, field.name)) != as_plain(getattr(theirs, field.name))
    ]


Seen = dict[int, Any]
"""What objects of our own are as tuples, by identity: many parts share one."""


def as_plain(value: Any, seen: Seen | None = None) -> Any:
    """`value` as tuples of what Python compares by itself. NaN equals NaN here.

    `seen` may be handed on from call to call while what was told before is alive.
    """
    if isinstance(value, float) and value != value:
        return "NaN"
    if isinstance(value, (str, bytes, int, float, type(None), Enum)):
        return value
    seen = {} if seen is None else seen
    if isinstance(value, Mapping):
        return tuple((as_plain(key, seen), as_plain(item, seen)) for key, item in value.items())
    if isinstance(value, (set, frozenset)):
        return frozenset(as_plain(item, seen) for item in value)
    if isinstance(value, (list, tuple)) or type(value).__name__ == "deque":
        return tuple(as_plain(item, seen) for item in value)
    if id(value) in seen:
        return seen[id(value)]
    fields = _fields(value)
    if fields is None:
        return value
    plain = (type(value).__name__, *((name, as_plain(item, seen)) for name, item in fields))
    seen[id(value)] = plain
    return plain


def _fields(value: Any) -> list[tuple[str, Any]] | None:
    """The parts of an object of our own; None for one that compares by itself."""
    names = _names(type(value))  # type: ignore[arg-type]  # a class can be hashed
    if names is None:
        return None
    found = {name: part for name in names if (part := getattr(value, name, _ABSENT)) is not _ABSENT}
    return list({**found, **getattr(value, "__dict__", {})}.items())


@cache
def _names(kind: type) -> list[str] | None:
    """What stands in slots of a class of our own; None for any other class."""
    if not kind.__module__.startswith("algotrader."):
        return None
    names = [name for one in kind.__mro__ for name in getattr(one, "__slots__", ())]
    return [*names, *getattr(kind, "__struct_fields__", ())]
