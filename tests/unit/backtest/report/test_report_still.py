"""What a report shows where no script runs: the account as a drawing, the last trades as rows."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from tests.builders.report_data import a_portfolio, a_run, a_walk_forward

from algotrader.backtest.report import render_run, still
from algotrader.core.timeframes import DAY_MS


def points(drawing: str, css: str) -> list[tuple[float, float]]:
    found = re.search(rf'<polyline points="([^"]+)" class="{css}"/>', drawing)
    assert found is not None
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in found[1].split())]


def test_the_drawing_spans_the_plot_and_keeps_the_deepest_fall() -> None:
    data = a_run()
    drawing = still.equity(data.equity, data.identity.capital)

    line, down = points(drawing, "s1"), points(drawing, "s-down")
    assert (line[0][0], line[-1][0]) == (0, still.PLOT)
    assert max(y for _, y in down) == pytest.approx(still.LOW_BOTTOM, abs=0.05)  # the deepest
    assert min(y for _, y in down) == pytest.approx(still.LOW_TOP, abs=0.05)  # none at all
    worst = int(np.argmin(data.equity.drawdown))
    share = (data.equity.ts[worst] - data.equity.ts[0]) / np.ptp(data.equity.ts)
    deepest = max(down, key=lambda point: point[1])
    assert deepest[0] == pytest.approx(share * still.PLOT, abs=1)


def test_higher_equity_is_drawn_higher_on_one_scale_for_all_lines() -> None:
    data = a_run()
    twice = replace(data.equity, benchmark=data.equity.equity * 2)
    drawing = still.equity(twice, data.identity.capital, data.equity.equity * 3)

    once, doubled, tripled = (points(drawing, css)[-1][1] for css in ("s1", "s-beside", "s3"))
    assert once > doubled > tripled
    assert once - doubled == pytest.approx(doubled - tripled, abs=0.2)


def test_years_are_named_over_a_long_span_and_months_over_a_short_one() -> None:
    data = a_walk_forward().equity
    long = replace(data, ts=data.ts[0] + np.arange(len(data.ts)) * DAY_MS)

    assert re.search(r">20\d\d</text>", still.equity(long, 1.0))
    short = replace(data, ts=data.ts[0] + np.arange(len(data.ts)) * DAY_MS // 60)
    assert re.search(r">20\d\d-\d\d</text>", still.equity(short, 1.0))


def test_the_last_trades_stand_newest_first_with_how_many_there_are() -> None:
    data = a_run()
    rows = re.findall(r"<tr><td>(.*?)</tr>", still.trades(data.trades))

    assert len(rows) == still.TRADES
    assert rows[0].startswith("2026-") or "T" not in rows[0]
    stamps = [row[:16] for row in rows]
    assert stamps == sorted(stamps, reverse=True)
    assert f"The last {still.TRADES} of {len(data.trades)}." in still.trades(data.trades)


def test_daily_trades_are_named_by_their_day() -> None:
    trades = a_portfolio().trades
    daily = replace(
        trades,
        entry_ts=trades.entry_ts // DAY_MS * DAY_MS,
        exit_ts=trades.exit_ts // DAY_MS * DAY_MS,
    )

    assert " 00:00" not in still.trades(daily)


def test_gestures_are_not_explained_where_there_are_none() -> None:
    page = render_run(a_run())

    for anchor in ("equity-chart", "price-chart", "trades"):
        assert re.search(rf'<section id="{anchor}"[^>]* class="gestures"', page)
    assert "html:not([data-scripts]) :is(.gestures .note" in page


def test_compared_accounts_are_drawn_on_one_scale_each_in_its_own_time() -> None:
    ts = np.arange(100, dtype=np.int64) * DAY_MS
    up, down = np.linspace(100, 200, 100), np.linspace(100, 50, 50)
    drawing = still.curves([("first", ts, up), ("second", ts[50:], down)])

    first, second = points(drawing, "s1"), points(drawing, "s2")
    assert first[-1] == (still.PLOT, 24)
    assert second[0][0] == pytest.approx(50 / 99 * still.PLOT, abs=1)
    assert second[-1] == (still.PLOT, still.LOW_BOTTOM)
    assert ">first</text>" in drawing
