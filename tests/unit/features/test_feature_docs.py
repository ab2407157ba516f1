from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

from algotrader import features
from algotrader.features.catalogue import described, table
from algotrader.features.registry import declared, feature

MODULES = [m.name for m in pkgutil.iter_modules(features.__path__)]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_the_docstrings_are_true(module: str) -> None:
    result = doctest.testmod(
        importlib.import_module(f"algotrader.features.{module}"), extraglobs={"np": np}
    )

    assert result.failed == 0


@pytest.mark.parametrize("name", declared())
def test_every_feature_has_its_facts_and_an_example(name: str) -> None:
    assert described(name).source
    assert ">>> " in (declared()[name].__doc__ or "")


def test_the_catalogue_lists_every_feature_once() -> None:
    rows = [line for line in table().splitlines() if line.startswith("| `")]

    assert [row.split("(")[0] for row in rows] == [f"| `{name}" for name in declared()]
    assert all(row.replace("\\|", "").count("|") == 8 for row in rows)


def test_two_features_cannot_share_a_name() -> None:
    def sma() -> None:
        """Taken already."""

    with pytest.raises(ValueError, match="sma"):
        feature(sma)
