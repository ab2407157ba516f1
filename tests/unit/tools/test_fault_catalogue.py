"""Every fault of the catalogue has a test of its number in each tier that it names."""

from __future__ import annotations

import ast
from functools import cache

import pytest
from tools.fault_page import ROOT, CataloguedFault, catalogue, properties

NUMBERS = {
    f"F{number:02}"
    for first, last in ((1, 53), (57, 63), (65, 77), (79, 85))
    for number in range(first, last + 1)
}


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_catalogue_is_whole() -> None:
    assert {one.number for one in catalogue()} == NUMBERS


@pytest.mark.parametrize("one", catalogue(), ids=lambda one: one.number)
def test_a_fault_has_a_test_of_its_number_in_each_tier(one: CataloguedFault) -> None:
    assert one.tests
    for tier, names in one.tests.items():
        assert bool(names) != (tier in one.open), f"{one.number} has no test of tier {tier}"
        for name in names:
            path, _, function = name.partition("::")
            assert function in functions(path), f"{name} is not there"
            assert one.number.lower() in function.lower().split("_"), f"{name} names another fault"


def test_every_property_is_looked_at_by_code_that_is_there() -> None:
    assert list(properties()) == [f"P{number}" for number in range(1, 22)]
    faults = {one.number: one for one in catalogue()}
    for number, row in properties().items():
        for place in row["by"]:
            path, _, function = place.partition("::")
            if place.startswith("@"):
                assert any(faults[place[1:]].tests.values()), number
            else:
                assert (ROOT / "tests" / path).exists(), place
                assert not function or function in functions(path), place
