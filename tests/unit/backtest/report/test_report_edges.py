"""Reports of unusual runs: nothing traded, one bar, twenty names, a loss before costs."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from tests.builders.report_data import (
    a_losing_run,
    a_portfolio,
    a_run,
    a_run_of_one_bar,
    a_run_without_trades,
)

from algotrader.backtest.report import render_run
from algotrader.backtest.report.model import (
    LookAhead,
    Overfitting,
    ReportData,
    VerdictKind,
)


def text_of(data: ReportData) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", "", render_run(data), flags=re.S)
    body = re.sub(r'<(span|text)[^>]*lang="zh"[^>]*>.*?</\1>', "", body, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_a_run_without_trades_says_so_and_why_and_is_never_a_silent_flat_line() -> None:
    text = text_of(a_run_without_trades())

    assert "No trade was made in" in text
    assert "0 trades: every order was below the venue&#x27;s minimum" in text
    assert "5 USDT" in text
    assert "Next: read the warnings below" in text
    assert not re.search(r"\b(nan|inf)\b", text)


def test_a_run_of_one_bar_without_coverage_is_reported_not_refused() -> None:
    text = text_of(a_run_of_one_bar())

    assert "coverage was not measured" in text
    assert "Not checked run algotrader check" in text


def test_twenty_names_fit_below_500_kb_with_every_name_to_choose() -> None:
    html = render_run(a_portfolio())

    assert len(html.encode()) < 500_000
    assert html.count("<option ") == 20
    assert "20 instruments" in html


def test_a_loss_before_costs_is_drawn_below_zero_and_said() -> None:
    text = text_of(a_losing_run())

    assert "Lost 20.4 % after costs in two years. The evidence is against it." in text
    assert "loses even without costs" in text
    assert "Evidence against skill" in text
    assert "−20,000" in text  # gross = net + costs: −20,430 − 120 + 900 − 350
    assert "+120" in text  # the rebate
    assert "+350" in text  # funding received


def test_what_look_ahead_found_is_amber_and_counted() -> None:
    html = render_run(replace(a_run(), look_ahead=LookAhead(prefixes=64, findings=2)))
    check = re.search(r'<a href="#assumptions"( class=bad)?>.*?</a>', html)

    assert check is not None
    assert check.group(1)
    assert "2 found" in check.group()


def test_a_lone_run_is_never_deflated_and_is_told_to_sweep() -> None:
    alone = Overfitting(
        kind=VerdictKind.NO_EVIDENCE_YET,
        trials=1,
        sharpe=1.08,
        luck_sharpe=0.0,
        trial_sharpes=np.array([1.08]),
        deflated_sharpe=0.9999,
        probabilistic_sharpe=0.9999,
        min_track_record_days=577.0,
    )
    text = text_of(replace(a_run(), overfitting=alone))

    assert "DSR" not in text
    assert "PSR &gt; 0.99" in text
    assert "true Sharpe ratio is above zero with more than 99 % probability" in text
    assert "One parameter set was tried." in text
    assert "Next: sweep its parameters" in text


def test_the_reasons_of_the_verdict_stand_in_the_report_the_deciding_one_also_as_a_warning() -> (
    None
):
    text = text_of(a_run())

    assert text.count("The deflated Sharpe ratio is 0.42 after so many trials") == 2
    assert text.count("The neighbours of the chosen set earn nearly as much.") == 1
