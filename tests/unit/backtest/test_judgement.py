"""Trials, luck, neighbours, bootstrap and the three sentences, with numbers worked out by hand."""

from __future__ import annotations

import string

import numpy as np
import pytest

from algotrader.backtest.bootstrap import sharpe_interval
from algotrader.backtest.cscv import probability_of_overfitting
from algotrader.backtest.judge import judge
from algotrader.backtest.metrics import Reason, UndefinedMetric, sharpe
from algotrader.backtest.overfitting import (
    expected_max_sharpe,
    min_backtest_length,
    min_track_record_length,
    sharpe_standard_error,
    trials_for_length,
)
from algotrader.backtest.surface import neighbour_stability
from algotrader.backtest.trial_statistics import luck, trial_statistics
from algotrader.backtest.verdict import SENTENCES, Findings, Outcome, Unseen, verdict

GOOD = Findings(
    n_trials=40,
    sharpe=2.1,
    luck_sharpe=0.9,
    deflated_sharpe=0.97,
    pbo=0.1,
    loss_probability=0.01,
    neighbour_ratio=0.8,
    walk_forward=Unseen(total=0.2, probability=0.97),
)


def unseen(total: float, probability: float | None) -> Unseen:
    return Unseen(total=total, probability=probability)


def findings(**changes: object) -> Findings:
    values = {name: getattr(GOOD, name) for name in Findings.__slots__} | changes
    return Findings(**values)


def test_sets_that_failed_make_luck_no_skill() -> None:
    """All earn alike, so which is best is chance; rows of zeros below them would hide that."""
    alike = 0.002 + 0.01 * np.random.default_rng(3).standard_normal((10, 640))
    failed = np.zeros((30, 640))
    ran = np.arange(40) < 10

    found = judge(np.vstack([alike, failed]), periods_per_year=365.0, ran=ran)
    without = judge(alike, periods_per_year=365.0)

    assert found.cscv is not None
    assert without.cscv is not None
    assert found.cscv.pbo == without.cscv.pbo > 0.4
    assert probability_of_overfitting(np.vstack([alike, failed])).pbo < 0.02


@pytest.mark.parametrize(
    ("changes", "outcome", "first"),
    [
        ({}, Outcome.EVIDENCE, "deflated_holds"),
        ({"walk_forward": None}, Outcome.EVIDENCE, "deflated_holds"),
        ({"deflated_sharpe": 0.95}, Outcome.EVIDENCE, "deflated_holds"),
        ({"deflated_sharpe": 0.9499}, Outcome.NO_EVIDENCE_YET, "deflated_low"),
        ({"n_trials": 1}, Outcome.EVIDENCE, "single_holds"),
        ({"n_trials": 1, "deflated_sharpe": 0.3}, Outcome.NO_EVIDENCE_YET, "single_low"),
        ({"deflated_sharpe": None}, Outcome.NO_EVIDENCE_YET, "deflated_unknown"),
        ({"pbo": 0.2, "loss_probability": 0.05}, Outcome.NO_EVIDENCE_YET, "pbo_high"),
        ({"pbo": 0.2, "loss_probability": 0.049}, Outcome.EVIDENCE, "deflated_holds"),
        ({"pbo": None}, Outcome.NO_EVIDENCE_YET, "pbo_unknown"),
        ({"neighbour_ratio": 0.49}, Outcome.NO_EVIDENCE_YET, "neighbours_fall"),
        ({"neighbour_ratio": None}, Outcome.NO_EVIDENCE_YET, "neighbours_unknown"),
        ({"pbo": 0.5, "loss_probability": 0.3}, Outcome.EVIDENCE_AGAINST, "pbo_harmful"),
        ({"walk_forward": unseen(0.2, 0.95)}, Outcome.EVIDENCE, "deflated_holds"),
        ({"walk_forward": unseen(0.2, 0.9499)}, Outcome.NO_EVIDENCE_YET, "walk_forward_thin"),
        ({"walk_forward": unseen(0.2, None)}, Outcome.NO_EVIDENCE_YET, "walk_forward_unknown"),
        ({"walk_forward": unseen(0.0, 0.5)}, Outcome.EVIDENCE_AGAINST, "walk_forward_loses"),
        ({"walk_forward": unseen(-0.1, None)}, Outcome.EVIDENCE_AGAINST, "walk_forward_loses"),
    ],
)
def test_the_verdict_follows_from_the_findings(
    changes: dict[str, object], outcome: Outcome, first: str
) -> None:
    found = verdict(findings(**changes))

    assert found.outcome is outcome
    assert found.reasons[0].key == first


def test_every_sentence_exists_in_both_languages_with_the_same_numbers() -> None:
    for key, texts in SENTENCES.items():
        assert texts.keys() == {"en", "zh"}
        fields = {
            language: {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for language, text in texts.items()
        }
        assert fields["en"] == fields["zh"], key
    assert {outcome.value for outcome in Outcome} <= SENTENCES.keys()


def test_reasons_read_as_sentences() -> None:
    found = verdict(findings(pbo=0.6, loss_probability=0.4, deflated_sharpe=0.3))

    assert found.text("en").startswith("There is evidence against it")
    assert "in 60\u202f% of the splits" in found.reasons[0].text("en")
    assert "60%" in found.reasons[0].text("zh")
    assert any("40 trials" in reason.text("en") for reason in found.reasons)


def test_three_trials_on_two_bets() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.001, 0.01, (2, 400))

    found = trial_statistics([a, 2 * a, b, None, np.zeros(400)])

    assert found.n_trials == 5  # failed and idle ones count (R31)
    assert found.effective_trials == 2
    assert found.clusters[0] == found.clusters[1] != found.clusters[2]
    assert found.clusters[3:].tolist() == [-1, -1]
    one, other = sharpe(a, 1.0), sharpe(b, 1.0)
    assert found.sharpe_variance == pytest.approx(np.var([one, one, other], ddof=1))
    assert found.effective_variance == pytest.approx(np.var([one, other], ddof=1))


def test_trials_over_different_times_are_compared_on_their_common_days() -> None:
    path = np.random.default_rng(2).normal(0.0, 0.01, 300)

    same = trial_statistics([path[:250], path[50:]], first_days=[0, 50])
    apart = trial_statistics([path[:150], path[150:]], first_days=[0, 150])

    assert same.effective_trials == 1
    assert apart.effective_trials == 2  # no day in common: two bets, to be safe


def test_no_trial_at_all_has_no_statistics_and_no_luck() -> None:
    found = trial_statistics([])

    assert (found.n_trials, found.effective_trials, found.sharpe_variance) == (0, 0, 0.0)
    assert luck(found, observations=100).best_sharpe == 0.0


def test_luck_is_not_what_separates_bad_sets_from_good_ones() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0.0, 0.01, (20, 1000))
    worse = noise - np.linspace(0.0, 0.02, 20)[:, None]  # costs ruin most of them

    found = luck(trial_statistics(list(worse)), observations=1000)

    assert trial_statistics(list(worse)).sharpe_variance > 0.1
    assert found.variance == pytest.approx(1 / 999)
    assert found.best_sharpe == pytest.approx(expected_max_sharpe(20, 1 / 999))


def test_neighbours_are_one_step_away_in_one_parameter() -> None:
    grid = [{"fast": f, "slow": s, "mode": "a"} for f in (5, 10, 20) for s in (50, 100)]
    scores = np.array([0.2, 0.4, 1.0, 2.0, 0.6, 1.2])  # best: fast 10, slow 100

    found = neighbour_stability(grid, scores)

    assert found.index == 3
    assert {grid[i]["fast"] for i in found.neighbours} == {5, 10, 20}
    assert sorted(scores[list(found.neighbours)]) == [0.4, 1.0, 1.2]
    assert found.ratio == pytest.approx(0.5)
    assert found.mean == pytest.approx(2.6 / 3)


def test_random_sets_have_their_nearest_as_neighbours_and_other_modes_are_none() -> None:
    sets = [
        {"x": 0.11, "y": 7, "mode": "a"},
        {"x": 0.12, "y": 9, "mode": "a"},
        {"x": 0.13, "y": 8, "mode": "b"},
        {"x": 0.50, "y": 1, "mode": "a"},
        {"x": 0.90, "y": 2, "mode": "a"},
        {"x": 0.95, "y": 3, "mode": "a"},
    ]

    found = neighbour_stability(sets, np.array([1.0, np.nan, 9.0, 0.5, 0.4, 0.3]), index=0)

    assert 2 not in found.neighbours
    assert len(found.neighbours) == 4  # two per numeric parameter
    assert found.median == pytest.approx(0.35)  # the failed one counts as 0


@pytest.mark.parametrize(
    ("sets", "scores"),
    [
        ([{"x": 1}], [1.0]),  # nothing beside it
        ([{"x": 1}, {"x": 2}], [-1.0, -2.0]),  # nothing to keep
        ([{"x": 1}, {"x": 2}], [np.nan, np.nan]),
    ],
)
def test_without_neighbours_or_profit_stability_is_undefined(
    sets: list[dict[str, int]], scores: list[float]
) -> None:
    with pytest.raises(UndefinedMetric):
        neighbour_stability(sets, np.array(scores))


@pytest.mark.parametrize("method", ["stationary", "circular"])
def test_the_interval_holds_the_true_ratio_about_as_often_as_it_says(method: str) -> None:
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(200):
        returns = rng.normal(0.0005, 0.01, 500)  # true annual ratio 0.05 x sqrt(252)
        found = sharpe_interval(returns, 252.0, rng=rng, samples=300, method=method)  # type: ignore[arg-type]
        hits += found.low <= 0.05 * 252**0.5 <= found.high
    assert 0.82 <= hits / 200 <= 0.97  # 90 % asked for


def test_streaks_widen_the_interval_when_blocks_keep_them() -> None:
    rng = np.random.default_rng(5)
    shocks = rng.normal(0.0, 0.01, 2000)
    persistent = np.convolve(shocks, np.ones(20) / 20, mode="valid")

    short = sharpe_interval(persistent, 252.0, rng=np.random.default_rng(6), block_days=1)
    long = sharpe_interval(persistent, 252.0, rng=np.random.default_rng(6), block_days=60)

    assert long.high - long.low > 2 * (short.high - short.low)


def test_the_same_generator_gives_the_same_interval() -> None:
    returns = np.random.default_rng(7).normal(0.001, 0.01, 300)
    one, two = (sharpe_interval(returns, 365.0, rng=np.random.default_rng(8)) for _ in range(2))
    assert one == two


def test_a_trial_that_is_always_best_is_never_overfitted() -> None:
    noise = np.random.default_rng(9).normal(0.0, 0.01, (10, 320))
    noise[4] += 0.05

    found = probability_of_overfitting(noise)

    assert found.pbo == 0.0
    assert found.probability_of_loss == 0.0
    assert np.all(found.logits == pytest.approx(np.log(10.0)))  # rank 10 of 10: 10/11 over 1/11


def test_idle_trials_tie_in_the_middle() -> None:
    found = probability_of_overfitting(np.zeros((3, 32)), blocks=4)

    assert np.all(found.logits == 0.0)
    assert found.pbo == 1.0


@pytest.mark.parametrize(
    ("shape", "blocks", "reason"),
    [((1, 100), 4, Reason.TOO_FEW_TRIALS), ((5, 7), 4, Reason.TOO_FEW_DAYS)],
)
def test_overfitting_cannot_be_measured_on_little(
    shape: tuple[int, int], blocks: int, reason: Reason
) -> None:
    with pytest.raises(UndefinedMetric) as caught:
        probability_of_overfitting(np.ones(shape), blocks=blocks)
    assert caught.value.reason is reason


@pytest.mark.parametrize("blocks", [0, 1, 3, 24])
def test_blocks_are_even_and_not_too_many(blocks: int) -> None:
    with pytest.raises(ValueError, match="blocks"):
        probability_of_overfitting(np.ones((2, 100)), blocks=blocks)


def test_one_trial_has_no_luck_and_lengths_are_consistent() -> None:
    assert expected_max_sharpe(1, 0.5) == 0.0
    assert min_backtest_length(1) == 0.0
    assert trials_for_length(5.0) == 45  # five years: at most 45 trials
    assert min_backtest_length(45) <= 5.0 < min_backtest_length(46)


def test_no_record_is_long_enough_for_a_ratio_below_the_bar() -> None:
    with pytest.raises(UndefinedMetric):
        min_track_record_length(0.05, skew=0.0, kurtosis=3.0, benchmark=0.05)
    # SR 0.1, normal: 1 + (1 + 0.5 x 0.01) x (1.6449 / 0.1)^2
    assert min_track_record_length(0.1, skew=0.0, kurtosis=3.0) == pytest.approx(272.9, abs=0.1)


def test_contradictory_moments_have_no_standard_error() -> None:
    with pytest.raises(UndefinedMetric):
        sharpe_standard_error(1.0, 10, skew=5.0, kurtosis=1.0)
    with pytest.raises(UndefinedMetric):
        sharpe_standard_error(1.0, 1, skew=0.0, kurtosis=3.0)


def test_a_single_run_is_judged_but_never_called_evidence() -> None:
    strong = np.random.default_rng(10).normal(0.002, 0.005, (1, 1000))

    found = judge(strong, periods_per_year=365.0, rng=np.random.default_rng(0))

    assert found.interval is not None
    assert found.interval.low < (found.sharpe or 0.0) < found.interval.high
    assert found.deflated_sharpe is not None
    assert found.deflated_sharpe > 0.99
    assert (found.cscv, found.neighbours) == (None, None)
    assert found.verdict.outcome is Outcome.NO_EVIDENCE_YET
    assert {"pbo_unknown", "neighbours_unknown"} <= {r.key for r in found.verdict.reasons}


def test_earlier_trials_raise_the_bar() -> None:
    returns = np.random.default_rng(11).normal(0.0008, 0.01, (5, 1000))
    earlier = np.random.default_rng(12).normal(0.0, 0.01, (400, 1000))

    alone = judge(returns, periods_per_year=365.0)
    among = judge(returns, periods_per_year=365.0, trials=trial_statistics([*returns, *earlier]))

    assert among.trials.n_trials == 405
    assert among.luck_sharpe is not None
    assert alone.luck_sharpe is not None
    assert among.luck_sharpe > alone.luck_sharpe
    assert (among.deflated_sharpe or 0.0) < (alone.deflated_sharpe or 0.0)


def test_sets_that_never_traded_are_no_evidence() -> None:
    found = judge(np.zeros((3, 200)), periods_per_year=365.0)

    assert (found.chosen, found.sharpe, found.deflated_sharpe) == (None, None, None)
    assert found.verdict.outcome is not Outcome.EVIDENCE
