"""Sweep, walk-forward and comparison: what each must say, in words, without scripts."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from tests.builders.report_data import a_comparison, a_sweep, a_walk_forward

from algotrader.backtest.report import render_compare, render_sweep, render_walkforward
from algotrader.backtest.report.model import Notice

NASTY = "<img src=x onerror=alert(1)>"
PAGES = {
    "sweep": lambda: render_sweep(a_sweep()),
    "walkforward": lambda: render_walkforward(a_walk_forward()),
    "compare": lambda: render_compare(a_comparison()),
}


def plain(html: str, lang: str = "en") -> str:
    other = "zh" if lang == "en" else "en"
    body = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.S)
    body = re.sub(rf'<(span|text)[^>]*lang="{other}"[^>]*>.*?</\1>', "", body, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body))


@pytest.mark.parametrize("name", PAGES)
def test_every_report_is_one_small_file_without_addresses(name: str) -> None:
    html = PAGES[name]()

    assert len(html.encode()) < 250_000
    assert not re.search(r"https?:|@import|url\(", html)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)
    data = re.search(r"const D = (\{.*?\});</script>", html)
    assert data is not None
    assert json.loads(data.group(1))["kind"] == name


def test_a_sweep_says_what_luck_alone_would_have_given() -> None:
    text = plain(render_sweep(a_sweep()))

    assert "Luck alone would have given a Sharpe of 0.98 in 360 trials." in text
    assert "The neighbours of the chosen set average 0.51." in text
    assert "Sharpe 0.84 is the best of 360 trials." in text
    assert "Sets that failed: 1. First: TrendFollow raised at bar 5,000" in text


def test_a_sweep_lists_its_best_sets_first_and_marks_the_chosen_one() -> None:
    data = a_sweep()
    html = render_sweep(data)
    best = html[html.index('id="best"') : html.index('id="notes"')]
    rows = re.findall(r"<tr(?: class=on)?><th scope=\"row\">.*?</tr>", best)
    shown = [
        float(re.findall(r"<td>([^<]*)</td>", row)[3]) for row in rows
    ]  # after three parameters

    assert best.count("<tr class=on>") == 1
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == round(float(np.nanmax(data.metrics["sharpe"])), 2)


def test_a_chosen_set_far_from_the_best_is_still_listed_with_its_rank() -> None:
    data = a_sweep()
    order = np.argsort(np.nan_to_num(-data.metrics["sharpe"], nan=np.inf))
    html = render_sweep(replace(data, chosen=int(order[99])))

    assert '<tr class=on><th scope="row">100 ' in html


def test_a_walk_forward_says_what_was_made_on_unseen_data_and_how_much_is_left_of_it() -> None:
    data = a_walk_forward()
    text = plain(render_walkforward(data))
    won = sum(fold.test_return > 0 for fold in data.folds)

    assert "on data it had not seen, in 8 steps." in text
    assert re.search(r"The out-of-sample annual return is 38\s%", text)
    assert f"{won} of 8 steps made money." in text
    assert text.count("2024-04-10 → ") == 1


def test_rows_that_differ_in_assumptions_come_first_and_are_marked() -> None:
    html = render_compare(a_comparison())
    rows = re.findall(r'<tr class="(\w*)"><th scope="row">', html)

    assert rows[0] == rows[1] == "differs"
    assert "differs" not in rows[2:]
    assert "Assumptions differ" in plain(html)
    assert "Periods differ" in plain(html)


def test_the_best_of_a_row_is_the_largest_or_the_cheapest() -> None:
    data = a_comparison()
    html = render_compare(data)

    def best(label: str) -> int:
        row = re.search(rf"<tr[^>]*><th[^>]*>(?:<span[^>]*>)?{label}.*?</tr>", html)
        assert row is not None
        cells = re.findall(r"<td( class=best)?>", row.group())
        return cells.index(" class=best")

    sharpes = [run.metrics["sharpe"] for run in data.runs]
    fees = [run.metrics["fees"] for run in data.runs]
    assert best("Sharpe<") == int(np.argmax(np.array(sharpes, dtype=float)))
    assert best("Fees<") == int(np.argmin(np.array(fees, dtype=float)))


@pytest.mark.parametrize("runs", [1, 7])
def test_a_comparison_takes_two_to_six_runs(runs: int) -> None:
    two = a_comparison(2)

    with pytest.raises(ValueError, match=f"2 to 6 runs, not {runs}"):
        replace(two, runs=(two.runs[0],) * runs)


def test_f79_names_and_notes_of_a_sweep_are_shown_as_text() -> None:
    data = a_sweep()
    notes = (Notice(code=NASTY, en=NASTY, zh=NASTY),)
    nasty = replace(
        data,
        warnings=notes,
        failures={1: NASTY},
        parameters={NASTY: data.parameters["fast"], "slow": data.parameters["slow"]},
    )

    html = render_sweep(nasty)
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") >= 4


def test_a_sweep_without_sharpe_or_with_columns_of_other_length_is_refused() -> None:
    data = a_sweep()

    with pytest.raises(ValueError, match="the metric `sharpe`"):
        replace(data, metrics={"trades": data.metrics["trades"]})
    with pytest.raises(ValueError, match="differ in length"):
        replace(data, metrics={"sharpe": data.metrics["sharpe"][1:]})
    with pytest.raises(ValueError, match="chosen set 999"):
        replace(data, chosen=999)
