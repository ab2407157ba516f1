"""Whatever the sources say to a person the console can say in Chinese, the figures included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from tools.sentences import Sentence, decisions, errors, reasons, refused_values, subjects

from algotrader.core.orders import OrderKind, OrderStatus, Purpose
from algotrader.ops.config import field_of, keys
from algotrader.ops.describing import described
from algotrader.ops.reloading import needs_restart
from algotrader.ops.settings import Settings
from algotrader.risk.language.parser import parse_condition
from algotrader.risk.language.tokens import ConditionError
from algotrader.risk.language.vocabulary import VOCABULARY
from algotrader.strategy.loader import registered

CATALOGUES = Path(__file__).resolve().parents[3] / "web" / "src" / "i18n" / "told"
# Packages whose errors a person can cause from the console.
TOLD = (
    "api",
    "backtest",
    "core",
    "data",
    "engine",
    "live",
    "ops",
    "parity",
    "portfolio",
    "risk",
    "strategy",
)
HOLE = re.compile(r"\{(\w+)(?::[str])?\}")


def catalogue(name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((CATALOGUES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def missing(said: Iterable[Sentence], *names: str) -> list[str]:
    known = {HOLE.sub("{}", english) for name in names for english in catalogue(name)}
    return sorted(
        {f"{one.module}:{one.line}: {one.template}" for one in said if one.template not in known}
    )


def test_each_sentence_of_a_decision_has_its_chinese() -> None:
    said = list(decisions())
    assert len({one.template for one in said}) > 100  # they are found at all
    assert missing(said, "decisions") == []


@pytest.mark.parametrize("package", TOLD)
def test_each_error_of_a_package_and_its_hint_have_their_chinese(package: str) -> None:
    assert missing(errors(package), "errors", "decisions") == []


def test_each_part_of_a_reason_why_parity_differs_has_its_chinese() -> None:
    said = list(reasons())
    # The sources put a moment in whole; the console reads it as two words.
    known = {HOLE.sub("{}", one.replace("{day} {time}", "{at}")) for one in catalogue("parity")}
    known |= {f"{one}{{}}" for one in known} | {f"{{}}: {one}" for one in known}
    parts = {part for one in said for part in one.template.split("; ")}
    assert len(parts) > 20
    assert sorted(parts - known - {"{}", "{}: {}"}) == []


def test_each_word_of_the_rule_language_is_explained_in_chinese() -> None:
    told = {text for word in VOCABULARY.values() for text in (word.meaning, str(word.kind))}
    assert sorted(told - set(catalogue("phrases"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "drawdown == 1", "drawdown > 1 && equity > 1", "close.last > 1", "close ^ 2 > 1",
        "drawdown # 1", "equity > " + "1" * 500, "1 + " * 61 + "1 > 2", "drawdown > 10% equity",
        "1 < 2 < 3", "(drawdown > 1", "drawdown >", "drawdown > *", "drawdwn > 1", "zzzz > 1",
        "cash(2) > 1", "average > 1", "average(close) > 1", "average(1) > 1",
        "value_at_risk(0.2) > 1", "drawdown > equity", "equity * cash > drawdown", "drawdown",
        "(drawdown > 1) + 1 > 2", "-" * 30 + "1 > 2",
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_condition_is_told_in_chinese_with_what_helps(text: str) -> None:
    shapes = [
        re.compile(re.sub(r"\\{\w+(:[str])?\\}", "(.+)", re.escape(one)))
        for one in (*catalogue("errors"), *catalogue("decisions"))
    ]
    with pytest.raises(ConditionError) as fault:
        parse_condition(text)
    for said in (fault.value.message, fault.value.hint):
        assert any(one.fullmatch(said) for one in shapes), said


def test_each_value_refused_in_an_order_has_its_chinese() -> None:
    said = list(refused_values("core/orders.py", "engine/by_hand.py"))
    assert len(said) > 10
    assert missing(said, "errors") == []


def is_phrase(text: str) -> bool:
    """As the console reads a part of a sentence: a known phrase, inside it others, or one word."""
    for phrase in catalogue("phrases"):
        shape = HOLE.sub(lambda hole: "(.+)" if hole[0].endswith(":t}") else r"\S+", phrase)
        found = re.fullmatch(shape, text)
        if found and all(map(is_phrase, found.groups())):
            return True
    return " " not in text


def test_each_subject_of_a_limit_has_its_chinese() -> None:
    said = {one.template.replace("{}", "main") for one in subjects()}
    assert "orders of main today" in said
    assert [text for text in sorted(said) if not is_phrase(text)] == []


def test_each_state_kind_and_purpose_of_an_order_has_its_chinese() -> None:
    names = {one.value for kinds in (OrderStatus, OrderKind, Purpose) for one in kinds}
    assert sorted(names - set(catalogue("phrases"))) == []


@pytest.mark.parametrize("name", ["decisions", "errors", "parity", "phrases"])
def test_the_chinese_says_every_figure_of_the_english(name: str) -> None:
    lost = [
        english
        for english, chinese in catalogue(name).items()
        if sorted(HOLE.findall(english)) != sorted(HOLE.findall(chinese))
    ]
    assert lost == []


def test_each_setting_has_its_meaning_in_chinese() -> None:
    meanings = {field_of(key)[1] for key in keys()}
    assert sorted(meanings - set(catalogue("settings"))) == []
    assert sorted(set(catalogue("settings")) - meanings) == []  # none is left of what is gone


def test_each_reason_why_a_setting_waits_for_a_restart_has_its_chinese() -> None:
    found = {needs_restart(key, Settings()) for key in keys()}
    waits = {why for why in found if why is not None}
    assert len(waits) > 5
    assert sorted(waits - set(catalogue("errors"))) == []


def test_each_strategy_that_ships_and_its_parameters_are_told_in_chinese() -> None:
    said = set()
    for name, where in registered().items():
        if "algotrader.strategy.library" not in where:
            continue
        kind = described(name)
        said.add(f"{name}: {kind['about']}")
        said |= {
            f"{name}.{one['name']}: {one['help']}" for one in kind["parameters"] if one["help"]
        }
    assert sorted(said - set(catalogue("parameters"))) == []
    assert sorted(set(catalogue("parameters")) - said) == []
