"""The daily summary: its lines, its figures, its picture."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from algotrader.core.ports import ManualClock
from algotrader.ops.notification.equity import Day
from algotrader.ops.notification.outbox import DEPOSITS, WHOLE, DayEquity, Outbox
from algotrader.ops.notification.picture import equity_picture, line_points
from algotrader.ops.notification.summary import summaries
from algotrader.ops.notification.texts import Texts

PIL = pytest.importorskip("PIL.Image", reason="not run: pillow is not installed")
ACCOUNT = {
    "account": "main", "mode": "trading", "currency": "USDT", "equity": "10200", "cash": "6000",
    "deposits": "10000", "positions": 1, "open_orders": 0, "last_decision": None, "limits": [],
    "holds": [],
}  # fmt: skip


def days(*worths: str) -> list[Day]:
    return [
        Day(day=f"2024-01-{place + 1:02}", equity=Decimal(worth), deposits=Decimal(0))
        for place, worth in enumerate(worths)
    ]


def test_the_line_goes_from_left_to_right_and_the_largest_is_at_the_top() -> None:
    # 720 x 320 points; free: 24 left, 150 right, 28 at the top, 44 below.
    assert line_points([1.0, 3.0, 2.0]) == [(24.0, 276.0), (297.0, 28.0), (570.0, 152.0)]
    assert line_points([5.0, 5.0]) == [(24.0, 28.0), (570.0, 28.0)]


def test_the_picture_is_a_small_png_with_the_line_in_it() -> None:
    png = equity_picture(days("10000", "10400", "10200"))
    picture = PIL.open(io.BytesIO(png)).convert("RGB")

    assert picture.size == (720, 320)
    assert len(png) < 30_000
    red, _, blue = picture.getpixel((160, 152))  # half way up to the second day
    assert red < 100 < blue
    assert picture.getpixel((5, 5)) == (255, 255, 255)
    with pytest.raises(ValueError, match="two days"):
        equity_picture(days("1"))


def test_a_summary_says_what_an_account_is_worth_what_it_earned_and_shows_it(
    tmp_path: Path,
) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    rows = [
        DayEquity(account="main", part=part, day=day, equity=equity)
        for part, day, equity in (
            (DEPOSITS, "2024-01-01", "10000"), (WHOLE, "2024-01-08", "10000"),
            (WHOLE, "2024-01-09", "10150"),
        )
    ]  # fmt: skip
    outbox.follow([], rows, "place", b"")

    async def read(*words: str) -> Any:
        assert words == ("status",)
        return {"accounts": [ACCOUNT, ACCOUNT | {"account": "second"}], "positions": []}

    clock = ManualClock(datetime(2024, 1, 10, 12, tzinfo=UTC))
    texts = Texts(language="zh", zone="Asia/Shanghai")
    main, second = asyncio.run(summaries(read, outbox, tmp_path, texts, clock))

    assert main.title == "main：2024-01-10 汇总"
    assert "权益 10,200.00 USDT（+2.0%）" in main.text
    assert "今日 +50.00" in main.text
    picture = Path(main.fields["picture"])
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert second.fields == {}  # nothing is known of it before today
    assert main.cause != second.cause


def test_a_summary_of_an_account_without_a_price_or_room_for_its_picture_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    rows = [
        DayEquity(account="main", part=WHOLE, day=f"2024-01-0{day}", equity="10000")
        for day in (7, 8, 9)
    ]
    outbox.follow([], rows, "place", b"")

    async def read(*_: str) -> Any:
        return {"accounts": [ACCOUNT | {"equity": None, "no_equity": "no price"}, ACCOUNT]}

    def is_full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", is_full)
    clock = ManualClock(datetime(2024, 1, 10, 12, tzinfo=UTC))
    unknown, known = asyncio.run(summaries(read, outbox, tmp_path, Texts(), clock))

    assert "no price" in unknown.text
    assert "10,200.00 USDT" in known.text
    assert unknown.fields == known.fields == {}
