"""A paper account goes on after a restart as if there had been none, from snapshots as by folding."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from algotrader.cli.main import main

FOLLOWS = """
from algotrader import Context, Features, Strategy, param
from algotrader.features import ema


class Follows(Strategy):
    days: int = param(10, low=2, high=50)

    def features(self, bars) -> Features:
        return {"mean": ema(bars.close, self.days)}

    def on_bar(self, ctx: Context) -> None:
        ctx.state["seen"] = ctx.state.get("seen", 0) + 1
        if ctx.position.quantity == 0:
            if ctx.orders:
                ctx.amend(ctx.orders[0], limit=ctx.bar.close * 0.985)
            else:
                ctx.buy(weight=0.4, limit=ctx.bar.close * 0.95, stop_loss=0.05)
        elif ctx.state["seen"] % 20 == 0:
            ctx.close()
"""
SETTINGS = """
accounts:
  main: {{currency: USD, cash: 10_000}}
  second: {{currency: USD, cash: 5_000}}
strategies:
  follows: {{use: follows.py, symbols: [US:AAPL], timeframe: 1d}}
  trend: {{use: TrendFollow, account: second, symbols: [US:GOOG], timeframe: 1d}}
trading: {{start: 2011-01-03, end: {end}}}
"""
ENDS = ("2011-03-02", "2011-05-18", "2011-08-03", "2012-01-01")


def said(capfd: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def settle(folder: Path, end: str) -> None:
    (folder / "follows.py").write_text(FOLLOWS)
    (folder / "algotrader.yaml").write_text(SETTINGS.format(end=end))


def traded_until(folder: Path, capfd: pytest.CaptureFixture[str], *ends: str) -> tuple[Any, Any]:
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for end in ends:
            settle(folder, end)
            done = said(capfd, "trade", "--journal-sync", "normal")
        return done["accounts"], said(capfd, "fills", "--last", "0")


def test_f63_a_paper_desk_restarted_between_bars_ends_as_one_that_was_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    at_once = traded_until(tmp_path / "once", capfd, ENDS[-1])
    restarted = traded_until(tmp_path / "again", capfd, *ENDS)

    assert len(at_once[1]) > 10
    kept = ("time", "account", "side", "quantity", "price", "fee")
    fills = [[[one[k] for k in kept] for one in run[1]] for run in (at_once, restarted)]
    assert fills[0] == fills[1]
    for once, again in zip(at_once[0], restarted[0], strict=True):
        assert {**once, "last_decision": 0} == {**again, "last_decision": 0}


def test_what_is_shown_needs_neither_strategies_nor_bars(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts, fills = traded_until(tmp_path / "desk", capfd, ENDS[0])
    monkeypatch.chdir(tmp_path / "desk")
    (tmp_path / "desk" / "follows.py").unlink()

    assert said(capfd, "status")["accounts"] == accounts
    assert said(capfd, "fills", "--last", "0") == fills
    assert said(capfd, "orders", "--all", "--last", "0")


def test_f54_without_its_snapshots_a_desk_shows_and_trades_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts, _ = traded_until(tmp_path / "desk", capfd, ENDS[0])
    monkeypatch.chdir(tmp_path / "desk")
    cache = tmp_path / "desk" / "journal" / "cache.sqlite"
    cache.unlink()
    assert said(capfd, "status")["accounts"] == accounts

    assert said(capfd, "trade")["accounts"] == accounts
    with sqlite3.connect(cache) as kept:
        kept.execute("UPDATE snapshots SET body = x'00'")
    assert said(capfd, "status")["accounts"] == accounts
