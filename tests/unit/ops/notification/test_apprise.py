"""Letters by apprise: short enough for the service, with our text as it is, each page once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from algotrader.core.ports import Severity
from algotrader.ops.notification.channels import ChannelFailedError, Letter

pytest.importorskip("apprise", reason="not run: apprise is not installed")
import requests

from algotrader.ops.adapters.apprise import AppriseChannel, pages

DISCORD = "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz0123456789"
WECOM = "wecombot://abcdefghijkl"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544/"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pauses that services want."""
    monkeypatch.setattr("apprise.plugins.NotifyBase.throttle", lambda *_, **__: None)


class Service:
    """What stands in for every service: it takes no more than `most` bytes at once."""

    def __init__(self, most: int, *, takes: int = 100) -> None:
        self.most, self.takes, self.taken = most, takes, list[str]()

    def post(self, *_: Any, **asked: Any) -> requests.Response:
        body = asked.get("data") or asked.get("json")
        text = _text(json.loads(body) if isinstance(body, str | bytes) else body)
        answer = requests.Response()
        fits = len(text.encode()) <= self.most and len(self.taken) < self.takes
        answer.status_code = 200 if fits else 400
        answer._content = b'{"errcode": 0, "ok": true}'
        if fits:
            self.taken.append(text)
        return answer


def _text(told: Any) -> str:
    if isinstance(told, dict):
        return "".join(
            _text(told[name]) for name in ("content", "text", "markdown") if name in told
        )
    return str(told)


def digest(lines: int) -> Letter:
    text = "\n".join(
        f"11-22 13:{n % 60:02}:00 委托被拒绝 OKX:BTC/USDT 第 {n} 次" for n in range(lines)
    )
    return Letter(number=7, severity=Severity.IMPORTANT, title=f"{lines} 条消息", text=text)


@pytest.mark.parametrize(("address", "most"), [(DISCORD, 2_000), (WECOM, 2_048), (TELEGRAM, 4_096)])
def test_f70_a_long_digest_is_cut_to_what_the_service_takes(
    address: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(most)
    monkeypatch.setattr(requests, "post", service.post)

    asyncio.run(AppriseChannel(address).send(digest(120)))

    told = "\n".join(service.taken)
    assert [n for n in range(120) if f"第 {n} 次" not in told] == []
    assert "#7" in service.taken[-1]


def test_f70_a_page_that_was_delivered_does_not_go_again(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(2_048, takes=1)
    monkeypatch.setattr(requests, "post", service.post)
    channel, letter = AppriseChannel(WECOM), digest(60)

    async def send() -> None:
        with pytest.raises(ChannelFailedError):
            await channel.send(letter)
        service.takes = 100
        await channel.send(letter)

    asyncio.run(send())
    told = "\n".join(service.taken)
    assert [told.count(f"第 {n} 次") for n in range(60)] == [1] * 60


def test_text_that_looks_like_marks_arrives_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(4_096)
    monkeypatch.setattr(requests, "post", service.post)
    letter = Letter(number=1, severity=Severity.CRITICAL, title="halted", text="equity < 5 & <x>")

    asyncio.run(AppriseChannel(TELEGRAM).send(letter))

    assert "equity&nbsp;&lt;" in service.taken[0].replace(" ", "&nbsp;")
    assert "<x>" not in service.taken[0]


@pytest.mark.parametrize(
    "text", ["", "a", "a" * 1_000, "甲" * 700, "ab\n" * 90, "\n\nx\n", "甲乙\n" + "丙" * 99]
)
def test_pages_are_short_and_lose_nothing(text: str) -> None:
    cut = list(pages(text, 50))

    assert all(0 < len(page.encode()) <= 50 for page in cut)
    assert "".join(cut).replace("\n", "") == text.replace("\n", "")
