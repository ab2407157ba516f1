"""Every error code of OKX that is known has its treatment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from algotrader.data.adapters.okx.rest import read_answer
from algotrader.execution.adapters.okx.codes import (
    ABSENT,
    REFUSALS,
    STALE_RULES,
    TREATMENTS,
    Treatment,
    mending,
    treatment,
)
from algotrader.execution.adapters.okx.verdicts import Accepted, Again, Refused, Unknown, verdict_on
from algotrader.simulator.okx.refusals import TEXTS

# What the venue's documentation and its client's source tell, written out once more by hand.
KNOWN = {
    Treatment.RETRY: [50011, 50061, 51029, 51030],
    Treatment.LOOK_UP: [50001, 50004, 50005, 50013, 50026, 51016, 51400, 51401, 51402, 51410,
                        51503, 51509, 51510, 51603],
    Treatment.REJECT: [51000, 51004, 51005, 51006, 51008, 51020, *range(51100, 51122), 51131,
                       51137, 51138],
    Treatment.FREEZE: [51001, 51021, 51022, 51027, 51028, 54072],
    Treatment.CLOCK: [50102, 60006],
    Treatment.HALT: [50100, 50101, *range(50103, 50115), 50007, 50009, 50022, 50027, 51009, 51010,
                     59000, 59001, 59668],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "wanted"), [(code, meaning) for meaning, codes in KNOWN.items() for code in codes]
)
def test_each_known_code_has_its_treatment(code: int, wanted: Treatment) -> None:
    assert treatment(str(code)) is wanted


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_each_code_a_venue_was_seen_to_send_is_in_the_table(code: str) -> None:
    assert code in TREATMENTS or code.startswith("59")


@pytest.mark.parametrize("code", ["", "1", "2", "12345", "51999", "html"])
def test_a_code_nobody_knows_says_nothing_about_the_order(code: str) -> None:
    assert treatment(code) is Treatment.LOOK_UP


def test_no_code_that_may_leave_an_order_behind_counts_as_a_refusal() -> None:
    assert {Treatment.LOOK_UP, Treatment.RETRY}.isdisjoint(REFUSALS)
    assert all(treatment(code) in (Treatment.REJECT,) for code in STALE_RULES)
    assert treatment("51603") is Treatment.LOOK_UP
    assert set(ABSENT) == {"51603", "51001"}


def test_what_a_person_has_to_mend_is_said() -> None:
    assert "address" in mending("50110")
    assert mending("51008") == ""


def test_recorded_refusals_are_judged_alike_in_the_envelope_and_in_the_row(
    shared_data: Path,
) -> None:
    path = shared_data / "data/okx_fixtures/ccxt_error_mapping.json"
    wanted = {
        Treatment.RETRY: Again, Treatment.CLOCK: Again, Treatment.LOOK_UP: Unknown,
        Treatment.REJECT: Refused, Treatment.FREEZE: Refused, Treatment.HALT: Refused,
    }  # fmt: skip
    cases = json.loads(path.read_text())["cases"]
    for case in cases:
        verdict = verdict_on(read_answer(case["response"], "POST trade/order"), "ordId")
        assert not isinstance(verdict, Accepted)
        assert isinstance(verdict, wanted[treatment(case["code"])]), case
    assert len(cases) >= 20
