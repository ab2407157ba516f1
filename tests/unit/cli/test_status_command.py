"""`algotrader status` at a bad moment: it shows what people and programs wrote as they wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.builders.api_desk import traded_desk

from algotrader.cli.main import main
from algotrader.execution.order_book import OrderBook

REASON = "news [/b] of [red]ETF[/red]"


def test_a_reason_with_brackets_is_shown_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(traded_desk(tmp_path))
    assert main(["halt", "--reason", REASON]) == 0
    capsys.readouterr()
    assert main(["status"]) == 0
    assert f"({REASON}): at the next start" in capsys.readouterr().out

    assert main(["trade", "--quiet", "--journal-sync", "normal"]) == 0
    capsys.readouterr()
    assert main(["status"]) == 0
    assert f"halted by operator (file): {REASON}" in capsys.readouterr().out


def test_lines_that_a_full_disk_did_not_take_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "algotrader.jsonl").symlink_to("/dev/full")
    monkeypatch.chdir(traded_desk(tmp_path))
    capsys.readouterr()

    assert main(["status"]) == 0
    assert "log lines lost" in capsys.readouterr().out


def test_a_strategy_that_failed_is_told_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    Path("bad.py").write_text(
        "from algotrader import Bars, Features, Strategy, Targets\n\n\n"
        "class Bad(Strategy):\n"
        "    def targets(self, bars: Bars, f: Features) -> Targets:\n"
        "        raise ValueError('no second instrument')\n"
    )
    Path("algotrader.yaml").write_text(
        "accounts: {main: {currency: USD, cash: 10_000}}\n"
        "strategies: {bad: {use: bad.py, symbols: [US:AAPL], timeframe: 1d}}\n"
        "trading: {start: 2011-01-03, end: 2011-01-07}\n"
    )
    assert main(["trade", "--quiet", "--journal-sync", "normal"]) == 0
    assert "traded through" in capsys.readouterr().out

    assert main(["status"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "△ bad decides nothing, its position is held:" in said
    assert "ValueError: no second instrument" in said


def test_open_orders_are_listed_with_the_ids_that_cancel_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(traded_desk(tmp_path))
    capsys.readouterr()
    main(["orders", "--all"])
    assert "ids of what is open" not in capsys.readouterr().out  # nothing is

    monkeypatch.setattr(OrderBook, "open", lambda book: iter(list(book.all())[-1:]))
    main(["orders", "--json"])
    [order] = json.loads(capsys.readouterr().out)
    main(["orders"])
    assert f"\n  {order['order']}\n" in capsys.readouterr().out
