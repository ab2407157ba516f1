"""Faults on demand: what goes wrong, where, when, how often. Seeded, so a run can be repeated.

A fault spoils requests (`POST trade/order`), pushes (`push orders`) or connections (`connect
private`), or does something at the venue at a moment. `after_s`, `for_s` and `every_s` are seconds
of the server's clock since the simulator began, or since the fault was added by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import numpy as np

from algotrader.core.errors import ConfigurationError
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.wire import Reply, refused


class FaultKind(StrEnum):
    """What goes wrong."""

    DROP_AFTER = "drop_after"  # the venue acts, the connection breaks (F12)
    DROP_BEFORE = "drop_before"  # the request is lost (F14)
    DELAY_AFTER = "delay_after"  # the venue acts at once and answers late (F13)
    DELAY_BEFORE = "delay_before"  # the request arrives late (F15)
    RATE_LIMIT = "rate_limit"  # 50011 (F24)
    ORDER_RATE_LIMIT = "order_rate_limit"  # 50061 (F24)
    MAINTENANCE = "maintenance"  # 50001 with 503, and system/status says so (F29)
    HTML = "html"  # a page with status 200 (F37)
    NULL_DATA = "null_data"
    EMPTY_BODY = "empty_body"
    EMPTY_LIST = "empty_list"  # also: a position that is not reported (F38)
    DROP_FIELD = "drop_field"  # `name` is missing from every row
    WRONG_FIELD = "wrong_field"  # `name` says `value`
    SOFT_REFUSAL = "soft_refusal"  # refused rows under code 0
    REFUSE = "refuse"  # `code` instead of acting (F26)

    LOSE_PUSH = "lose_push"  # F18
    DUPLICATE_PUSH = "duplicate_push"  # F16
    REORDER_PUSH = "reorder_push"  # F17: each is held back for a while of its own
    HALF_OPEN = "half_open"  # F19: connected, and silent
    CLOSE_SOCKET = "close_socket"
    REFUSE_CONNECT = "refuse_connect"  # F21

    CLOCK_SKEW = "clock_skew"  # F30: `offset_ms`, and `drift_ms` more each minute
    PARTIAL_FILL = "partial_fill"  # F25: `share` of the oldest order, then nothing
    PRECISION = "precision"  # F31: `rules` of `instrument` change
    SUSPEND = "suspend"  # F32
    RESUME = "resume"
    LIQUIDATE = "liquidate"  # F33
    ADL = "adl"  # F33: `share` of the position


PUSH_KINDS: Final = (FaultKind.LOSE_PUSH, FaultKind.DUPLICATE_PUSH, FaultKind.REORDER_PUSH)
SOCKET_KINDS: Final = (FaultKind.HALF_OPEN, FaultKind.CLOSE_SOCKET, FaultKind.REFUSE_CONNECT)
VENUE_KINDS: Final = (
    FaultKind.PARTIAL_FILL, FaultKind.PRECISION, FaultKind.SUSPEND, FaultKind.RESUME,
    FaultKind.LIQUIDATE, FaultKind.ADL,
)  # fmt: skip
_UNACTED: Final = (
    FaultKind.DROP_BEFORE, FaultKind.RATE_LIMIT, FaultKind.ORDER_RATE_LIMIT,
    FaultKind.MAINTENANCE, FaultKind.REFUSE,
)  # fmt: skip
_REFUSED_WITH: Final = {
    FaultKind.RATE_LIMIT: "50011", FaultKind.ORDER_RATE_LIMIT: "50061",
    FaultKind.MAINTENANCE: "50001",
}  # fmt: skip
_PAGE: Final = "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule. `where` is a pattern of what it may spoil; `chance` is drawn each time it may."""

    kind: FaultKind
    where: str = "*"  # "POST trade/*", "push orders", "connect private"
    after_s: float = 0.0
    for_s: float = float("inf")
    every_s: float | None = None  # of venue faults: again and again
    chance: float = 1.0
    times: int | None = None  # at most
    delay_s: tuple[float, float] = (0.0, 0.0)  # drawn evenly between
    acts: bool = True  # whether the venue does what it was asked before the answer is spoilt
    instrument: str = ""
    share: float = 0.4  # fraction
    offset_ms: int = 0
    drift_ms: int = 0  # a minute
    code: str = ""
    name: str = ""  # of a field
    value: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)  # tick, lot, min_quantity, multiplier
    key: str = ""  # the API key of the account that it strikes; "": every account, and nobody

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1 or not 0 <= self.share <= 1:
            raise ValueError("chance and share are fractions")
        if self.kind in VENUE_KINDS and not self.instrument:
            raise ValueError(f"{self.kind} needs an instrument")
        if self.kind is FaultKind.REFUSE and not self.code:
            raise ValueError("refuse needs a code")


@dataclass(frozen=True, slots=True)
class Treatment:
    """What happens to one request."""

    faults: tuple[Fault, ...] = ()
    wait_before_s: float = 0.0
    wait_after_s: float = 0.0

    @property
    def acts(self) -> bool:
        """Whether the venue sees the request."""
        return all(f.kind not in _UNACTED and f.acts for f in self.faults)

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of a `refuse` fault, if there is one."""
        codes = [f.code for f in self.faults if f.kind is FaultKind.REFUSE]
        return Refusal(codes[0], "", "") if codes else None

    @property
    def is_dropped(self) -> bool:
        return any(f.kind in (FaultKind.DROP_AFTER, FaultKind.DROP_BEFORE) for f in self.faults)

    def spoil(self, reply: Reply) -> Reply:
        """The answer as it goes out."""
        for fault in self.faults:
            reply = _spoilt(fault, reply)
        return reply


class Faults:
    """The rules in force, and their dice."""

    def __init__(self, rules: Iterable[Fault] = (), *, seed: int = 7, started_ms: int = 0) -> None:
        self._draw = np.random.Generator(np.random.PCG64(seed))
        self._rules: list[tuple[int, int, Fault]] = []  # number, when added, rule
        self._used: dict[int, int] = {}
        self._fired: dict[int, int] = {}
        for rule in rules:
            self.add(rule, started_ms)

    def add(self, fault: Fault, at_ms: int) -> int:
        """Put a rule in force from now on; its number."""
        number = len(self._used)
        self._rules.append((number, at_ms, fault))
        self._used[number] = 0
        return number

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._rules.clear()

    def for_request(self, name: str, at_ms: int, key: str = "") -> Treatment:
        """What happens to a request called `name`, as in `POST trade/order`."""
        chosen, before, after = [], 0.0, 0.0
        for fault in self._taken(name, at_ms, key):
            if fault.kind is FaultKind.DELAY_BEFORE:
                before += self._wait(fault)
            else:
                after += self._wait(fault)
            chosen.append(fault)
        return Treatment(tuple(chosen), before, after)

    def for_push(self, channel: str, at_ms: int, key: str = "") -> list[float]:
        """When a push goes out, in seconds from now: once each; empty if it is lost."""
        waits = [0.0]
        for fault in self._taken(f"push {channel}", at_ms, key):
            if fault.kind is FaultKind.LOSE_PUSH:
                return []
            if fault.kind is FaultKind.DUPLICATE_PUSH:
                waits.append(self._wait(fault))
            else:
                waits[0] += self._wait(fault)
        return waits

    def for_socket(self, kind: str, at_ms: int, key: str = "") -> FaultKind | None:
        """What is wrong with the connections of a kind: public, private or business."""
        found = list(self._taken(f"connect {kind}", at_ms, key))
        return found[0].kind if found else None

    def due(self, at_ms: int) -> list[Fault]:
        """Venue faults whose moment has come, each once, or every so often."""
        found = []
        for number, added, fault in self._rules:
            if fault.kind not in VENUE_KINDS or not _is_on(fault, added, at_ms):
                continue
            fired = self._fired.get(number)
            again = fault.every_s is not None and fired is not None
            if fired is None or (again and at_ms - fired >= (fault.every_s or 0) * 1000):
                self._fired[number] = at_ms
                if self._rolls(number, fault):
                    found.append(fault)
        return found

    def skew_ms(self, at_ms: int) -> int:
        """How far off the venue's clock is."""
        total = 0
        for _, added, fault in self._rules:
            if fault.kind is FaultKind.CLOCK_SKEW and _is_on(fault, added, at_ms):
                minutes = (at_ms - added) / 60_000 - fault.after_s / 60
                total += fault.offset_ms + int(fault.drift_ms * minutes)
        return total

    def maintenance(self, at_ms: int) -> tuple[int, int]:
        """Begin and end of the maintenance under way, zeros if there is none."""
        for _, added, fault in self._rules:
            if fault.kind is FaultKind.MAINTENANCE and _is_on(fault, added, at_ms):
                begin = added + int(fault.after_s * 1000)
                end = begin + int(min(fault.for_s, 86_400.0) * 1000)
                return begin, end
        return 0, 0

    def _taken(self, name: str, at_ms: int, key: str) -> Iterable[Fault]:
        """Rules that strike `name` now, in the order they were given."""
        domain = name.split(" ")[0]
        for number, added, fault in self._rules:
            pattern = (
                fault.where if " " in fault.where or fault.where == "*" else f"* {fault.where}"
            )
            if (
                _domain(fault.kind, domain)
                and fault.key in ("", key)
                and _is_on(fault, added, at_ms)
                and fnmatchcase(name, pattern)
                and self._rolls(number, fault)
            ):
                yield fault

    def _rolls(self, number: int, fault: Fault) -> bool:
        if fault.times is not None and self._used[number] >= fault.times:
            return False
        if fault.chance < 1 and self._draw.random() >= fault.chance:
            return False
        self._used[number] += 1
        return True

    def _wait(self, fault: Fault) -> float:
        low, high = fault.delay_s
        return low if high <= low else float(self._draw.uniform(low, high))


def _domain(kind: FaultKind, domain: str) -> bool:
    """Whether a kind of fault concerns pushes, connections, or requests."""
    if domain == "push":
        return kind in PUSH_KINDS
    if domain == "connect":
        return kind in SOCKET_KINDS
    others = (*PUSH_KINDS, *SOCKET_KINDS, *VENUE_KINDS, FaultKind.CLOCK_SKEW)
    return kind not in others


def _is_on(fault: Fault, added_ms: int, at_ms: int) -> bool:
    passed = (at_ms - added_ms) / 1000 - fault.after_s
    return 0 <= passed < fault.for_s


def _spoilt(fault: Fault, reply: Reply) -> Reply:
    if fault.kind in _REFUSED_WITH:
        return refused(Refusal(_REFUSED_WITH[fault.kind]))
    match fault.kind:
        case FaultKind.HTML:
            return Reply(body=_PAGE, content_type="text/html")
        case FaultKind.EMPTY_BODY:
            return replace(reply, body="")
        case FaultKind.NULL_DATA:
            return _rewritten(reply, lambda _: None)
        case FaultKind.EMPTY_LIST:
            return _rewritten(reply, lambda _: [])
        case FaultKind.DROP_FIELD:
            return _rewritten(reply, lambda data: [_without(row, fault.name) for row in data])
        case FaultKind.WRONG_FIELD:
            return _rewritten(reply, lambda data: [_with(row, fault) for row in data])
        case FaultKind.SOFT_REFUSAL:
            return replace(
                reply, body=json.dumps(json.loads(reply.body) | {"code": "0", "msg": ""})
            )
    return reply


def _rewritten(reply: Reply, change: Any) -> Reply:
    """The same envelope around other data."""
    envelope = json.loads(reply.body)
    envelope["data"] = change(envelope["data"])
    return replace(reply, body=json.dumps(envelope, separators=(",", ":")))


def _without(row: Any, name: str) -> Any:
    return {k: v for k, v in row.items() if k != name} if isinstance(row, dict) else row


def _with(row: Any, fault: Fault) -> Any:
    return row | {fault.name: fault.value} if isinstance(row, dict) and fault.name in row else row


def read_faults(path: Path) -> list[Fault]:
    """The rules of a YAML file: a list, or a mapping with the list under `faults`."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            "simulator.faults", f"{path} cannot be read: {error.strerror}",
            hint="give a YAML file with a list of faults",
        ) from error  # fmt: skip
    except yaml.YAMLError as error:
        raise ConfigurationError(
            "simulator.faults", f"{path} is no YAML: {' '.join(str(error).split())}",
            hint="write a list of faults, each with a kind",
        ) from error  # fmt: skip
    rules = content.get("faults") if isinstance(content, dict) else content
    if not isinstance(rules, list):
        raise ConfigurationError(
            "simulator.faults", f"{path} holds no list of faults",
            hint="begin with `faults:` and one `- kind: drop_after` below it",
        )  # fmt: skip
    return [fault_of(rule, f"{path}, fault {number}") for number, rule in enumerate(rules, start=1)]


def fault_of(rule: object, where: str) -> Fault:
    """One rule from a file or a request. ConfigurationError names what is wrong with it."""
    known = {f.name for f in fields(Fault)}
    try:
        if not isinstance(rule, Mapping):
            raise ValueError("it is no mapping of names and values")
        for name in rule:
            if name not in known:
                raise ValueError(f"{name!r} is no property of a fault")
        values = dict(rule)
        values["kind"] = FaultKind(str(values.get("kind", "")))
        if "delay_s" in values:
            values["delay_s"] = _span(values["delay_s"])
        if "rules" in values:
            values["rules"] = {str(k): str(v) for k, v in dict(values["rules"]).items()}
        for name in ("code", "value", "key"):
            if name in values:
                values[name] = str(values[name])
        return Fault(**values)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            "simulator.faults", f"{where}: {error}",
            hint="kinds are " + " ".join(FaultKind),
        ) from error  # fmt: skip


def _span(value: object) -> tuple[float, float]:
    if isinstance(value, int | float):
        return float(value), float(value)
    if isinstance(value, Sequence) and len(value) == 2:
        return float(value[0]), float(value[1])
    raise ValueError("delay_s is a number of seconds, or [least, most]")
