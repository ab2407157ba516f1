"""A wrong name is answered with the one that was probably meant."""

from __future__ import annotations

import pytest

from algotrader.core.spelling import hint_among, hint_among_symbols, nearest


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("TrendFolow", "TrendFollow"),
        ("trendfollow", "TrendFollow"),
        ("Meanreversion", "MeanReversion"),
        ("Nonsense", None),
        ("", None),
    ],
)
def test_the_nearest_name_is_found_whatever_its_case(typed: str, meant: str | None) -> None:
    assert nearest(typed, ["TrendFollow", "MeanReversion", "Pair"]) == meant


def test_a_hint_begins_with_the_near_name_if_there_is_one() -> None:
    assert (
        hint_among("fastt", ["fast", "slow"], "see them all") == "did you mean fast? see them all"
    )
    assert hint_among("zzz", ["fast", "slow"], "see them all") == "see them all"


def test_a_shared_venue_alone_makes_no_symbol_near() -> None:
    known = ["US:AAPL", "US:SPX"]
    assert hint_among_symbols("US:APPL", known, "import it") == "did you mean US:AAPL? import it"
    assert hint_among_symbols("aapl", known, "import it") == "did you mean US:AAPL? import it"
    assert hint_among_symbols("US:NOPE", known, "import it") == "import it"
