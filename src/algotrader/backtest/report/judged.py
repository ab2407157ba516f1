"""The five checks, and what is said in amber on the first screen: from numbers alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from algotrader.backtest.report import figures
from algotrader.backtest.report.layout import Check, spoken
from algotrader.backtest.report.model import (
    LEAST_COVERAGE,
    CostFacts,
    Coverage,
    Identity,
    LookAhead,
    Notice,
    Overfitting,
    PathGuess,
    VerdictKind,
)
from algotrader.backtest.report.words import Part, Phrase, Value, pct, say

DSR_NEEDED = 0.95
PBO_ALLOWED = 0.20
GUESSES_WORTH_A_WARNING = 0.01  # of all trades


def floor_percent(ratio: float) -> Part:
    """Coverage is never rounded up: 99.999 % is not complete."""
    return pct(int(ratio * 10_000 + 1e-9) / 10_000, 2)


def of_kind(coverage: Iterable[Coverage], kind: str) -> Coverage | None:
    return next((c for c in coverage if c.kind == kind), None)


def data_check(coverage: Sequence[Coverage], *, generated: bool) -> Check:
    bars = of_kind(coverage, "bars")
    if generated:
        return _check("data", say("check.data.generated"), say("check.data.generated_note"), True)
    if bars is None:
        return _check("data", say("check.unknown"), say("check.data.unknown_note"), True)
    note = say("check.data.missing", n=figures.number(bars.missing))
    if bars.missing == 0:
        note = say("check.data.complete")
    return _check("data", floor_percent(bars.ratio), note, bars.ratio < LEAST_COVERAGE)


def look_ahead_check(found: LookAhead | None) -> Check:
    if found is None or found.prefixes == 0:
        return _check("look_ahead", say("check.not_checked"), say("check.look_ahead.run"), True)
    if found.findings:
        value = say("check.look_ahead.found", n=figures.number(found.findings))
        return _check("look_ahead", value, say("check.look_ahead.found_note"), True)
    note = say("check.look_ahead.prefixes", n=figures.number(found.prefixes))
    return _check("look_ahead", say("check.look_ahead.none"), note, False)


def costs_check(costs: CostFacts | None, href: str = "cost") -> Check:
    """`href` is the section that shows the costs: not every report has a waterfall."""
    return replace(_costs(costs), href=href)


def _costs(costs: CostFacts | None) -> Check:
    if costs is None:
        return _check("costs", say("check.unknown"), say("check.costs.unknown_note"), True)
    if costs.zero:
        return _check("costs", say("check.costs.zero"), say("check.costs.zero_note"), True)
    if costs.zero_fees or costs.zero_slippage:
        which = "zero_fees" if costs.zero_fees else "zero_slippage"
        paid: Part = "" if costs.paid_bps is None else figures.bps(costs.paid_bps)
        return _check("costs", paid, say(f"check.costs.{which}"), True)
    if costs.paid_bps is None:
        return _check("costs", say("check.costs.none"), say("check.costs.none_note"), False)
    even = costs.break_even_bps
    if even is None:
        return _check("costs", figures.bps(costs.paid_bps), say("check.costs.side"), False)
    if even <= 0:
        return _check("costs", figures.bps(costs.paid_bps), say("check.costs.never"), True)
    note = say("check.costs.break_even", bps=figures.number(even, 1))
    return _check("costs", figures.bps(costs.paid_bps), note, even <= costs.paid_bps)


def path_check(guess: PathGuess | None, capital: float) -> Check:
    if guess is None or guess.trades == 0:
        return _check("path", say("check.path.none"), say("check.path.none_note"), False)
    value = say("check.path.trades", n=figures.number(guess.trades), of=figures.number(guess.of))
    worst, best = guess.worst_profit, guess.best_profit
    if worst is None or best is None:
        return _check("path", value, say("check.path.note"), True)
    low, high = min(worst, best), max(worst, best)
    note = say(
        "check.path.range",
        low=_percent_number(low / capital),
        high=pct(high / capital, signed=True),
    )
    many = guess.trades >= GUESSES_WORTH_A_WARNING * guess.of
    return _check("path", value, note, many or (low < 0 < high))


def _percent_number(value: float) -> Part:
    """In English the sign of percent stands once, behind the last number of a range."""
    return Value(
        lambda lang: (
            figures.percent(value, lang, signed=True)
            if lang == "zh"
            else figures.number(value * 100, 1, signed=True)
        )
    )


def overfitting_check(o: Overfitting) -> Check:
    """One set tried is judged by its own record alone; a search by the deflated Sharpe ratio."""
    bad = o.kind is not VerdictKind.EVIDENCE
    if not o.searched or o.deflated_sharpe is None:
        if o.probabilistic_sharpe is None:
            return _check("overfitting", say("check.not_judged"), say("check.luck.none"), bad)
        psr = f"PSR {figures.probability(o.probabilistic_sharpe)}"
        return _check("overfitting", psr, say("check.luck.single"), bad)
    value = f"DSR {figures.probability(o.deflated_sharpe)}"
    if not bad:
        return _check("overfitting", value, say("check.luck.holds"), bad)
    if o.pbo is None:
        return _check("overfitting", value, say("check.luck.dsr"), bad)
    return _check("overfitting", value, say("check.luck.pbo", pbo=figures.number(o.pbo, 2)), bad)


def _check(name: str, value: Part, note: Part, bad: bool) -> Check:
    anchors = {
        "data": "data",
        "look_ahead": "assumptions",
        "costs": "cost",
        "path": "path",
        "overfitting": "luck",
    }
    return Check(title=f"check.{name}", value=value, note=note, href=anchors[name], bad=bad)


def alarms(
    identity: Identity, costs: CostFacts | None, coverage: Sequence[Coverage], kind: VerdictKind
) -> list[Phrase]:
    """What stands in amber under the verdict, shortest first screen of truths."""
    said = []
    if identity.generated:
        said.append(say("alarm.generated"))
    if costs is not None and (costs.zero_fees or costs.zero_slippage):
        part = "costs" if costs.zero else "fees" if costs.zero_fees else "slippage"
        said.append(say(f"alarm.zero_{part}"))
    bars, funding = of_kind(coverage, "bars"), of_kind(coverage, "funding")
    if bars is not None and bars.ratio < LEAST_COVERAGE:
        said.append(say("alarm.coverage", ratio=floor_percent(bars.ratio)))
    if funding is not None and funding.ratio < 1.0 and funding.assumed_rate is not None:
        said.append(say("alarm.funding", share=pct(1.0 - funding.ratio)))
    elif funding is not None and funding.ratio < 1.0:
        said.append(say("alarm.funding_missing", share=pct(1.0 - funding.ratio)))
    if kind is not VerdictKind.EVIDENCE:
        said.append(say(f"alarm.{kind.value}"))
    return said


def own_warnings(
    identity: Identity,
    costs: CostFacts | None,
    coverage: Sequence[Coverage],
    o: Overfitting,
    given: Sequence[Notice],
) -> list[Phrase]:
    """Warnings that follow from the data; what the caller already says (same code) is left out."""
    codes = {notice.code for notice in given}
    said: list[tuple[str, Phrase]] = []
    if identity.generated:
        said.append(("generated", say("own.generated")))
    if costs is not None and costs.zero_fees:
        said.append(("zero_fees", say("own.zero_fees")))
    if costs is not None and costs.zero_slippage:
        said.append(("zero_slippage", say("own.zero_slippage")))
    bars, funding = of_kind(coverage, "bars"), of_kind(coverage, "funding")
    if bars is not None and bars.ratio < LEAST_COVERAGE:
        said.append(("coverage", say("own.coverage", ratio=floor_percent(bars.ratio))))
    if funding is not None and funding.ratio < 1.0:
        said.append(("funding_coverage", _funding(funding)))
    if o.kind in (VerdictKind.NO_EVIDENCE_YET, VerdictKind.EVIDENCE_AGAINST):
        said.append(("unproven", _unproven(o)))
    return [phrase for code, phrase in said if code not in codes]


def _funding(funding: Coverage) -> Phrase:
    share = pct(1.0 - funding.ratio)
    if funding.assumed_rate is None:
        return say("own.funding_missing", share=share)
    rate = pct(funding.assumed_rate, 4)
    if funding.assumed_since is None:
        return say("own.funding", share=share, rate=rate)
    return say("own.funding_since", share=share, rate=rate, day=figures.day(funding.assumed_since))


def _unproven(o: Overfitting) -> Phrase:
    """Why there is no evidence: the first check that does not hold."""
    if not o.searched:
        return say("own.unsearched")
    broken = next((reason for reason in o.reasons if not reason.holds), None)
    if broken is not None:
        return say("own.unproven_because", reason=spoken(broken.en, broken.zh))
    if o.deflated_sharpe is None or o.deflated_sharpe >= DSR_NEEDED:
        return say("own.unproven")
    dsr, trials = figures.number(o.deflated_sharpe, 2), figures.number(o.trials)
    return say("own.unproven_dsr", dsr=dsr, trials=trials)
