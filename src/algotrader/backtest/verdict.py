"""What may be concluded from a run and its trials: one of three sentences, and why.

evidence          every check holds
no evidence yet   a check does not hold, or could not be made
evidence against  choosing by past results did harm, or the walk-forward lost money

A walk-forward that earned a little is no evidence: half of all worthless strategies earn a little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from algotrader.core.units import format_number, format_percent

Language = Literal["en", "zh"]

MIN_DEFLATED_SHARPE = 0.95
MAX_PBO = 0.20
HARMFUL_PBO = 0.50
MAX_LOSS_PROBABILITY = 0.05  # of the chosen set out of sample: below it rank does not matter
MIN_NEIGHBOUR_RATIO = 0.5
MIN_UNSEEN_PROBABILITY = 0.95


class Outcome(StrEnum):
    EVIDENCE = "evidence"
    NO_EVIDENCE_YET = "no_evidence_yet"
    EVIDENCE_AGAINST = "evidence_against"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What the account of a walk-forward made on days that nothing was chosen by."""

    total: float  # return
    probability: float | None  # that its true Sharpe ratio is above 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was measured; `None` was not, and is never taken for good."""

    n_trials: int
    sharpe: float | None  # of the chosen set, annualised
    luck_sharpe: float | None  # best by luck alone, annualised
    deflated_sharpe: float | None  # probability
    pbo: float | None
    loss_probability: float | None  # of the chosen set out of sample, in CSCV
    neighbour_ratio: float | None
    walk_forward: Unseen | None = None  # None: not run


@dataclass(frozen=True, slots=True)
class _Shown:
    """A number that a sentence formats as every table does: true minus, thousands, unit."""

    value: float | int
    language: Language

    def __format__(self, spec: str) -> str:
        """`d` for counts, `.2f` for ratios, `.1%` for shares, `p` for probabilities."""
        if spec == "p":  # never rounded to certainty
            edge = "> 0.99" if self.value > 0.99 else "< 0.01" if self.value < 0.01 else None
            return edge or format_number(self.value, 2)
        if spec.endswith("%"):
            return format_percent(self.value, int(spec[1:-1]), language=self.language)
        return format_number(self.value, 0 if spec == "d" else int(spec[1:-1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """One reason: a key of SENTENCES, whether it speaks for the strategy, and its numbers."""

    key: str
    holds: bool
    values: Mapping[str, float | int]

    def text(self, language: Language) -> str:
        shown = {name: _Shown(value, language) for name, value in self.values.items()}
        return SENTENCES[self.key][language].format(**shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    outcome: Outcome
    reasons: tuple[Because, ...]  # what decided comes first

    def text(self, language: Language) -> str:
        """The sentence of the outcome."""
        return SENTENCES[self.outcome.value][language]


def verdict(findings: Findings) -> Verdict:
    """Evidence needs every check to hold; what was not measured does not hold."""
    checks = (_deflated(findings), _selection(findings), _neighbours(findings))
    walked = _walk_forward(findings)
    reasons = [*checks, *([walked] if walked else [])]
    if any(reason.key in _AGAINST for reason in reasons):
        outcome = Outcome.EVIDENCE_AGAINST
        reasons.sort(key=lambda reason: reason.key not in _AGAINST)
    elif all(reason.holds for reason in reasons):
        outcome = Outcome.EVIDENCE
    else:
        outcome = Outcome.NO_EVIDENCE_YET
        reasons.sort(key=lambda reason: reason.holds)
    return Verdict(outcome=outcome, reasons=tuple(reasons))


def of_look_ahead(found: Verdict, columns: int) -> Verdict:
    """The verdict once `columns` values of the strategy were found to look ahead."""
    why = Because(key="look_ahead", holds=False, values={"columns": columns})
    outcome = Outcome.NO_EVIDENCE_YET if found.outcome is Outcome.EVIDENCE else found.outcome
    return Verdict(outcome=outcome, reasons=(why, *found.reasons))


def _deflated(findings: Findings) -> Because:
    if findings.deflated_sharpe is None or findings.sharpe is None or findings.luck_sharpe is None:
        return Because(key="deflated_unknown", holds=False, values={})
    holds = findings.deflated_sharpe >= MIN_DEFLATED_SHARPE
    values = {
        "trials": findings.n_trials,
        "sharpe": findings.sharpe,
        "luck": findings.luck_sharpe,
        "deflated": findings.deflated_sharpe,
        "needed": MIN_DEFLATED_SHARPE,
    }
    kind = "deflated" if findings.n_trials > 1 else "single"
    return Because(key=f"{kind}_{'holds' if holds else 'low'}", holds=holds, values=values)


def _selection(findings: Findings) -> Because:
    if findings.pbo is None or findings.loss_probability is None:
        return Because(key="pbo_unknown", holds=False, values={})
    values = {"pbo": findings.pbo, "loss": findings.loss_probability, "needed": MAX_PBO}
    if findings.pbo < MAX_PBO:
        return Because(key="pbo_holds", holds=True, values=values)
    # Where all sets earn alike, which of them is best is chance: a low rank costs nothing.
    if findings.loss_probability < MAX_LOSS_PROBABILITY:
        return Because(key="pbo_immaterial", holds=True, values=values)
    harmful = findings.pbo >= HARMFUL_PBO
    return Because(key="pbo_harmful" if harmful else "pbo_high", holds=False, values=values)


def _neighbours(findings: Findings) -> Because:
    if findings.neighbour_ratio is None:
        return Because(key="neighbours_unknown", holds=False, values={})
    holds = findings.neighbour_ratio >= MIN_NEIGHBOUR_RATIO
    values = {"ratio": findings.neighbour_ratio, "needed": MIN_NEIGHBOUR_RATIO}
    key = "neighbours_hold" if holds else "neighbours_fall"
    return Because(key=key, holds=holds, values=values)


def _walk_forward(findings: Findings) -> Because | None:
    if (found := findings.walk_forward) is None:
        return None
    values = {"total": found.total}
    if found.total <= 0.0:
        return Because(key="walk_forward_loses", holds=False, values=values)
    if found.probability is None:
        return Because(key="walk_forward_unknown", holds=False, values=values)
    values |= {"probability": found.probability, "needed": MIN_UNSEEN_PROBABILITY}
    holds = found.probability >= MIN_UNSEEN_PROBABILITY
    key = f"walk_forward_{'earns' if holds else 'thin'}"
    return Because(key=key, holds=holds, values=values)


_AGAINST = frozenset({"pbo_harmful", "walk_forward_loses"})

SENTENCES: Mapping[str, Mapping[Language, str]] = {
    "evidence": {
        "en": "There is evidence of an edge: it is more than luck would explain.",
        "zh": "有证据表明策略有效：结果难以用运气解释。",
    },
    "no_evidence_yet": {
        "en": "There is no evidence of an edge yet: luck could explain this.",
        "zh": "尚无证据表明策略有效：运气足以解释这一结果。",
    },
    "evidence_against": {
        "en": "There is evidence against it: choosing by past results failed on unseen data.",
        "zh": "有证据表明策略无效：按历史成绩择优，在未见过的数据上失败。",
    },
    "look_ahead": {
        "en": "Look-ahead: what it decides by changes when later bars are known ({columns:d} of its"
        " values), so nothing of this could have been traded.",
        "zh": "未来函数：决策依据会随后续 K 线改变（{columns:d} 项），这一结果无法通过交易实现。",
    },
    "deflated_holds": {
        "en": "With {trials:d} trials luck alone would show a best Sharpe ratio of about {luck:.2f};"
        " this one is {sharpe:.2f} (deflated Sharpe ratio {deflated:p}, at least {needed:.2f}).",
        "zh": "共试验 {trials:d} 次，仅凭运气最高夏普约为 {luck:.2f}，"
        "本次为 {sharpe:.2f}（紧缩夏普 {deflated:p}，应达 {needed:.2f}）。",
    },
    "deflated_low": {
        "en": "With {trials:d} trials luck alone would show a best Sharpe ratio of about {luck:.2f};"
        " this one is {sharpe:.2f} (deflated Sharpe ratio {deflated:p}, needs {needed:.2f}).",
        "zh": "共试验 {trials:d} 次，仅凭运气最高夏普约为 {luck:.2f}，"
        "本次仅为 {sharpe:.2f}（紧缩夏普 {deflated:p}，应达 {needed:.2f}）。",
    },
    "single_holds": {
        "en": "This is the only trial so far. Its Sharpe ratio is {sharpe:.2f}, and the true one is"
        " above 0 with probability {deflated:p} (at least {needed:.2f}).",
        "zh": "目前仅此一次试验，夏普为 {sharpe:.2f}；"
        "真实夏普大于 0 的概率为 {deflated:p}（应达 {needed:.2f}）。",
    },
    "single_low": {
        "en": "This is the only trial so far. Its Sharpe ratio is {sharpe:.2f}, and the true one is"
        " above 0 with probability {deflated:p} only (needs {needed:.2f}).",
        "zh": "目前仅此一次试验，夏普为 {sharpe:.2f}；"
        "真实夏普大于 0 的概率仅 {deflated:p}（应达 {needed:.2f}）。",
    },
    "deflated_unknown": {
        "en": "The Sharpe ratio is not defined on these data, so luck cannot be ruled out.",
        "zh": "该数据上夏普比率无定义，无法排除运气。",
    },
    "pbo_holds": {
        "en": "The set that was best on one half of the past stayed in the better half on the"
        " other; it fell below the median in {pbo:.0%} of the splits (below {needed:.0%}).",
        "zh": "一半历史上的最优参数在另一半上仍居前列；"
        "仅在 {pbo:.0%} 的划分中低于中位（应低于 {needed:.0%}）。",
    },
    "pbo_immaterial": {
        "en": "Which set is best hardly matters: the chosen one lost money on unseen halves in"
        " only {loss:.1%} of the splits (it ranked below the median in {pbo:.0%}).",
        "zh": "选哪组参数几乎无差别：所选参数在未见数据上仅有 {loss:.1%} 的划分亏损"
        "（{pbo:.0%} 的划分排名低于中位）。",
    },
    "pbo_high": {
        "en": "The set that was best on one half of the past fell below the median on the other"
        " in {pbo:.0%} of the splits (needs less than {needed:.0%}).",
        "zh": "一半历史上的最优参数在另一半上有 {pbo:.0%} 的划分低于中位（应低于 {needed:.0%}）。",
    },
    "pbo_harmful": {
        "en": "The set that was best on one half of the past fell below the median on the other"
        " in {pbo:.0%} of the splits: choosing by past results did not help.",
        "zh": "一半历史上的最优参数在另一半上有 {pbo:.0%} 的划分低于中位：按历史择优没有帮助。",
    },
    "pbo_unknown": {
        "en": "Overfitting could not be measured: it takes a sweep of several parameter sets over"
        " enough days.",
        "zh": "无法度量过拟合：需要在足够长的数据上扫描多组参数。",
    },
    "neighbours_hold": {
        "en": "Neighbouring parameter sets keep {ratio:.0%} of its Sharpe ratio (at least"
        " {needed:.0%}).",
        "zh": "相邻参数保持其夏普比率的 {ratio:.0%}（应达 {needed:.0%}）。",
    },
    "neighbours_fall": {
        "en": "Neighbouring parameter sets keep only {ratio:.0%} of its Sharpe ratio (needs"
        " {needed:.0%}): the best set stands on a needle.",
        "zh": "相邻参数仅保持其夏普比率的 {ratio:.0%}（应达 {needed:.0%}）：最优参数是孤峰。",
    },
    "neighbours_unknown": {
        "en": "No neighbouring parameter set was tried, so nothing shows that the result does not"
        " hang on one exact setting.",
        "zh": "未试验相邻参数，无法说明结果不依赖某一精确取值。",
    },
    "walk_forward_earns": {
        "en": "Walked forward on unseen data it made {total:.1%}; its true Sharpe ratio is above 0"
        " with probability {probability:p} (at least {needed:.2f}).",
        "zh": "在未见数据上滚动前推，收益 {total:.1%}；"
        "真实夏普大于 0 的概率为 {probability:p}（应达 {needed:.2f}）。",
    },
    "walk_forward_thin": {
        "en": "Walked forward on unseen data it made {total:.1%}, which luck could explain: its true"
        " Sharpe ratio is above 0 with probability {probability:p} only (needs {needed:.2f}).",
        "zh": "在未见数据上滚动前推，收益 {total:.1%}，但运气足以解释："
        "真实夏普大于 0 的概率仅 {probability:p}（应达 {needed:.2f}）。",
    },
    "walk_forward_unknown": {
        "en": "Walked forward on unseen data it made {total:.1%}, on too few days to tell it from"
        " luck.",
        "zh": "在未见数据上滚动前推，收益 {total:.1%}，但天数太少，无法与运气区分。",
    },
    "walk_forward_loses": {
        "en": "Walked forward on unseen data it lost money: {total:.1%}.",
        "zh": "在未见数据上滚动前推，结果亏损：{total:.1%}。",
    },
}
