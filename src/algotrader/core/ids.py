"""Names of orders, accounts, runs: what each is called, and how a client order id is made.

An id must come out the same whenever the same decision is made again, so that a restart finds its
own order instead of sending a second one. Nothing here reads a clock or draws a random number.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NewType

from algotrader.core.hashing import canonical_json

RunId = NewType("RunId", str)
"""Minted once with the journal; survives restarts."""
AccountId = NewType("AccountId", str)
StrategyId = NewType("StrategyId", str)
"""One configured instance of a strategy; two instances of one class have two ids."""
OrderId = NewType("OrderId", str)
"""Ours: the client order id."""
VenueOrderId = NewType("VenueOrderId", str)
TradeId = NewType("TradeId", str)
"""The venue's name of one execution; unique per account and instrument."""

OWN_PREFIX: Final = "at"
_TAG_LENGTH: Final = 4
_HASH_LENGTH: Final = 20
_MEMO_LENGTH: Final = 12  # what CTP's OrderMemo can carry
_RUN_ENTROPY_BYTES: Final = 16
_OWN: Final = re.compile(rf"{OWN_PREFIX}[a-z2-7]{{{_TAG_LENGTH}}}[a-z2-7]{{{_HASH_LENGTH}}}")


def mint_run_id(entropy: bytes) -> RunId:
    """A new run id out of 16 random bytes that the caller drew; ValueError for fewer."""
    if len(entropy) < _RUN_ENTROPY_BYTES:
        raise ValueError(f"a run id needs {_RUN_ENTROPY_BYTES} random bytes, got {len(entropy)}")
    return RunId(_base32(entropy))


def client_order_id(
    *,
    run_id: RunId,
    account: AccountId,
    strategy: StrategyId,
    decided_ms: int,
    instrument: str,
    leg: int,
    attempt: int,
) -> OrderId:
    """The id under which an order is sent: 26 small letters and digits, the same every time.

    `decided_ms` is the decision's time in UTC ms; orders of an operator and protection orders
    give the journal sequence of their cause instead. `leg` counts the orders of that instrument
    in that step. `attempt` rises only after the earlier attempt is proved absent or final.
    Alphanumeric and within 32 characters, as OKX wants it; CTP carries `order_memo` of it.
    """
    if leg < 0 or attempt < 0:
        raise ValueError(f"leg and attempt count from 0, got {leg} and {attempt}")
    # A JSON list, not joined text: no two different sets of parts may read alike.
    parts: list[str | int] = [run_id, account, strategy, decided_ms, instrument, leg, attempt]
    return OrderId(f"{OWN_PREFIX}{run_tag(run_id)}{_hash32(parts)[:_HASH_LENGTH]}")


def guard_order_id(parent: OrderId, purpose: str, attempt: int) -> OrderId:
    """The id of a protective order: it follows from the order whose fill it guards.

    So whoever knows that order, a venue that keeps its stops included, names them alike.
    """
    head = parent[: len(OWN_PREFIX) + _TAG_LENGTH]
    return OrderId(f"{head}{_hash32([parent, purpose, attempt])[:_HASH_LENGTH]}")


@lru_cache(maxsize=64)
def run_tag(run_id: RunId) -> str:
    """Four letters and digits that mark the orders of one run at the venue."""
    return _hash32([run_id])[:_TAG_LENGTH]


def run_tag_of(client_id: str) -> str | None:
    """The run tag inside a client order id of ours, None if we did not make that id.

    An order with a tag of another run means a second instance on the account: halt.
    """
    if not _OWN.fullmatch(client_id):
        return None
    return client_id[len(OWN_PREFIX) : len(OWN_PREFIX) + _TAG_LENGTH]


def order_memo(order_id: OrderId) -> str:
    """The last 12 characters, for venues that carry no more; the journal keeps the whole."""
    return order_id[-_MEMO_LENGTH:]


def _hash32(parts: Sequence[str | int]) -> str:
    return _base32(blake2b(canonical_json(parts), digest_size=20).digest())


def _base32(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=").lower()
