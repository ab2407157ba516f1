"""The sentences a report begins with: what was made, whether that is evidence, and what to do next.

Pure functions of numbers. The words stand in the catalogue; the verdict's kind comes from the
statistics of overfitting and is not judged here.
"""

from __future__ import annotations

from algotrader.backtest.report import figures
from algotrader.backtest.report.model import CostFacts, Overfitting, VerdictKind
from algotrader.backtest.report.words import Phrase, Value, pct, say, strong

DAY_MS = 86_400_000


def made(
    *, total_return: float, span_ms: int, kind: VerdictKind, trades: int, costs: CostFacts
) -> Phrase:
    """`Made +50.5 % after costs in two years. That is not yet evidence of skill.`"""
    span = Value(lambda lang: figures.span(span_ms / DAY_MS, lang))
    if trades == 0:
        return say("headline.no_trades", span=span)
    lost = round(total_return * 1000) < 0
    shown = pct(abs(total_return)) if lost else pct(total_return, profit=True)
    if lost:
        shown = Value(shown.write, "down")
    outcome = "lost" if lost else "made"
    judged = say(f"headline.{outcome}.{kind.value}")
    return say(f"headline.{outcome}.{_charged(costs)}", ret=shown, span=span, judged=judged)


def _charged(costs: CostFacts) -> str:
    """Which costs the result is after: one that was set to zero is named beside it."""
    if costs.zero:
        return "free"
    return "no_fees" if costs.zero_fees else "no_slippage" if costs.zero_slippage else "net"


def because(
    *, benchmark_return: float | None, overfitting: Overfitting, trades: int
) -> tuple[Phrase, ...]:
    """The sentences under the headline: buy and hold, luck, next step."""
    sentences = []
    if benchmark_return is not None:
        shown = Value(pct(benchmark_return, signed=True).write, "strong")
        sentences.append(say("because.benchmark", ret=shown))
    sentences.extend(luck(overfitting))
    if trades == 0:
        sentences.append(say("next.no_trades"))
    elif not overfitting.searched and overfitting.kind is not VerdictKind.EVIDENCE_AGAINST:
        sentences.append(say("next.not_judged"))
    else:
        sentences.append(say(f"next.{overfitting.kind.value}"))
    return tuple(sentences)


def luck(overfitting: Overfitting, *, of_set: bool = False) -> tuple[Phrase, ...]:
    """`With 120 parameter sets tried, luck alone would show a best Sharpe of about 1.02; …`

    `of_set`: the Sharpe ratio is that of the best set on all data, not of the account reported.
    """
    o = overfitting
    if o.searched and o.luck_sharpe is not None and o.sharpe is not None:
        return (
            say(
                "because.luck_set" if of_set else "because.luck",
                trials=strong(figures.number(o.trials)),
                luck=strong(figures.number(o.luck_sharpe, 2)),
                sharpe=strong(figures.number(o.sharpe, 2)),
            ),
        )
    if o.probabilistic_sharpe is not None:
        if o.probabilistic_sharpe > 0.99:
            return (say("because.single_sure"),)
        return (say("because.single", psr=pct(o.probabilistic_sharpe, 0)),)
    return ()


def swept(overfitting: Overfitting) -> Phrase:
    """The sentence of a sweep: what its best set is worth after so many trials."""
    return say(
        f"headline.sweep.{overfitting.kind.value}",
        trials=figures.number(overfitting.trials),
        sharpe=_ratio(overfitting.sharpe),
        luck=_ratio(overfitting.luck_sharpe),
    )


def walked(*, total_return: float, folds: int, kind: VerdictKind) -> Phrase:
    """The sentence of a walk-forward: what was made on data the parameters had not seen."""
    lost = round(total_return * 1000) < 0
    shown = pct(abs(total_return)) if lost else pct(total_return, profit=True)
    if lost:
        shown = Value(shown.write, "down")
    outcome = "lost" if lost else "made"
    return say(
        f"headline.walk.{outcome}",
        ret=shown,
        folds=figures.number(folds),
        judged=say(f"headline.{outcome}.{kind.value}"),
    )


def _ratio(value: float | None) -> str:
    return figures.ABSENT if value is None else figures.number(value, 2)
