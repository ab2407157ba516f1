"""What is left for a trader: whatever a person says beside it, a halt is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from algotrader.core.errors import UsageError
from algotrader.core.events import TradingMode
from algotrader.core.ids import AccountId, OrderId, StrategyId
from algotrader.live.operator import Inbox
from algotrader.live.requests import Asked, HandCancel, SetRequest
from algotrader.ops.asking import ask_mode, leave
from algotrader.ops.config import Configuration, load

SETTINGS = "strategies: {trend: {use: TrendFollow, symbols: ['US:AAPL'], timeframe: 1d}}\n"


@pytest.fixture
def desk(tmp_path: Path) -> Configuration:
    (tmp_path / "algotrader.yaml").write_text(SETTINGS)
    return load(environment={}, start=tmp_path)


def taken(desk: Configuration) -> list[Asked]:
    """As a trader reads them."""
    return list(Inbox(desk.folder / "journal").requests())


@pytest.mark.parametrize(
    "reason",
    ["x" * 5_000, "消息" * 1_000, "\x01" * 5_000, '"' * 5_000, "💥" * 2_000],
    ids=["long", "chinese", "control", "quotes", "wide"],
)
def test_f71_a_halt_is_read_however_long_its_reason(desk: Configuration, reason: str) -> None:
    ask_mode(desk, TradingMode.HALTED, None, reason)

    [asked] = taken(desk)
    assert asked.reason[:400] == reason[:400]
    assert asked.reason.endswith("…")


def test_f71_a_halt_is_read_from_a_terminal_of_another_encoding(desk: Configuration) -> None:
    ask_mode(desk, TradingMode.HALTED, None, "消息".encode("gbk").decode(errors="surrogateescape"))

    [asked] = taken(desk)
    assert "�" in asked.reason


def test_what_would_not_be_read_is_refused_and_not_left(desk: Configuration) -> None:
    values: dict[str, str | None] = {"fast": "9" * 5_000}
    with pytest.raises(UsageError, match="4096 are read"):
        leave(desk, SetRequest(strategy=StrategyId("trend"), values=values, reason="x"))

    assert taken(desk) == []


@pytest.mark.parametrize("name", ["../../x", "two words", "", "x" * 65])
def test_a_name_that_no_trader_reads_is_refused_and_not_left(
    desk: Configuration, name: str
) -> None:
    cancel = HandCancel(request=name, account=AccountId("main"), reason="x", order=OrderId("a"))
    with pytest.raises(UsageError, match="nothing was asked"):
        leave(desk, cancel)

    assert list(desk.folder.rglob("*.json")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root leaves files of another owner")
def test_what_root_asks_for_belongs_to_who_owns_the_journal(desk: Configuration) -> None:
    """`sudo algotrader halt`: the trader could neither read nor remove a request of root's."""
    for folder in (*desk.folder.absolute().parents[:3], desk.folder):
        folder.chmod(0o755)
    os.chown(desk.folder, 65_534, 65_534)
    before = os.umask(0o077)
    try:
        ask_mode(desk, TradingMode.HALTED, None, "x")
    finally:
        os.umask(before)

    left = [desk.folder / "journal", *(desk.folder / "journal").rglob("*")]
    assert len(left) == 3
    assert {path.stat().st_uid for path in left} == {65_534}
    assert os.geteuid() == 0
