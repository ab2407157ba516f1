"""The desk as it was, the course of its limits, conditions tried on it."""

from __future__ import annotations

from itertools import pairwise
from threading import get_ident
from typing import Any

import pytest
from anyio import from_thread, to_thread
from starlette.testclient import TestClient
from tests.builders.api_desk import an_api, token_for

from algotrader.api.access import Role
from algotrader.api.dry_run import tried
from algotrader.api.exposure_rows import exposure_rows
from algotrader.api.index import JournalIndex
from algotrader.api.past import Past
from algotrader.api.serving import Serving
from algotrader.live.journal import verifying
from algotrader.live.journal.segments import SegmentRows
from algotrader.live.journal.verifying import verify
from algotrader.ops.desk_rows import account_rows, position_rows
from algotrader.ops.standing import read_stood

Api = tuple[TestClient, Serving]


@pytest.fixture
def asked(api: Api) -> Any:
    client, serving = api
    headers = token_for(serving, Role.VIEWER)

    def ask(path: str, **query: Any) -> Any:
        return client.get(f"/api/v1{path}", params=query, headers=headers)

    return ask


def test_the_state_after_the_last_row_is_the_one_that_is_shown(api: Api, asked: Any) -> None:
    last = asked("/journal/kinds").json()["last"]
    then = asked("/journal/state", seq=last).json()
    shown = asked("/accounts").json()

    assert [one["equity"] for one in then["accounts"]] == [one["equity"] for one in shown]
    assert len(then["positions"]) == len(asked("/positions").json())


def test_the_state_of_a_row_is_the_fold_of_all_rows_up_to_it(asked: Any) -> None:
    row = asked("/journal", kind="AccountMarked", limit=40).json()["items"][-1]
    then = asked("/journal/state", seq=row["seq"]).json()

    assert then["accounts"][0]["equity"] == row["data"]["equity"]
    assert then["at"] == row["at"]


def test_a_moment_finds_the_last_row_that_was_known_by_then(asked: Any) -> None:
    row = asked("/journal", kind="AccountMarked", limit=10).json()["items"][-1]
    then = asked("/journal/state", at=row["at"]).json()

    assert then["at"] == row["at"]
    assert then["seq"] >= row["seq"]
    before = asked("/journal/state", at=row["at"] - 1).json()
    assert before["seq"] < row["seq"]
    assert asked("/journal/state", at=0).json()["seq"] == 1


def test_asked_again_the_past_is_the_same(api: Api) -> None:
    _, serving = api
    stood = read_stood(serving.configuration)
    middle = stood.seq // 2
    first = account_rows(serving.past.at(stood.state.settings, middle)[0])
    serving.past.at(stood.state.settings, middle + 50)
    kept = account_rows(serving.past.at(stood.state.settings, middle)[0])
    anew = account_rows(Past(serving.configuration).at(stood.state.settings, middle)[0])

    assert first == kept == anew


def test_a_long_past_is_read_in_parts_and_goes_on_where_it_got(
    api: Api, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = asked("/journal/kinds").json()["last"] - 3
    monkeypatch.setattr("algotrader.api.past.LONGEST_S", -1.0)
    monkeypatch.setattr("algotrader.api.past._REST", 10)
    answer = asked("/journal/state", seq=last)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"]["code"] == "api.reading"
    monkeypatch.setattr("algotrader.api.past.LONGEST_S", 60.0)
    assert asked("/journal/state", seq=last).json()["seq"] == last


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 422), ({"seq": 1, "at": 1}, 422), ({"seq": 10**9}, 404), ({"seq": 0}, 422)],
)
def test_what_is_no_moment_is_refused(asked: Any, query: dict[str, int], status: int) -> None:
    assert asked("/journal/state", **query).status_code == status


def test_a_row_names_the_hash_of_the_one_before(asked: Any) -> None:
    page = asked("/journal", limit=5).json()["items"]

    for newer, older in pairwise(page):
        assert newer["previous"] == older["hash"]
    (alone,) = asked("/journal", kind="AccountMarked", limit=1).json()["items"]
    before = asked("/journal", limit=1000).json()["items"]
    assert alone["previous"] == next(o["hash"] for o in before if o["seq"] == alone["seq"] - 1)


def test_each_limit_has_a_course_whose_last_value_is_the_one_shown(asked: Any) -> None:
    used = {one["rule"]: one for one in asked("/risk").json()["used"]["main"]}
    courses = {one["rule"]: one for one in asked("/risk/history").json()}

    assert set(courses) == set(used)
    drawdown = courses["account.max_drawdown"]
    assert drawdown["used"][-1] == pytest.approx(float(used["account.max_drawdown"]["used"]))
    assert drawdown["peak"] == pytest.approx(max(drawdown["used"]) / 0.6)
    assert drawdown["ts"] == sorted(set(drawdown["ts"]))
    assert drawdown["ts"][-1] - drawdown["ts"][0] <= 30 * 86_400_000


def test_a_condition_that_cannot_be_read_says_under_which_column(asked: Any) -> None:
    tried = asked("/risk/conditions", when="drawdown > equity").json()

    assert tried["run"] is None
    assert tried["problem"]["column"] == len("drawdown ") + 1


def test_a_condition_would_have_tripped_each_time_it_became_true(asked: Any) -> None:
    always = asked("/risk/conditions", when="equity > 0", days=30).json()["run"]
    never = asked("/risk/conditions", when="equity < 0", days=30).json()["run"]
    rising = asked("/risk/conditions", when="change(2) > 0", days=60).json()["run"]

    assert (always["count"], always["unknown"], always["whole"]) == (1, 0, True)
    assert never["count"] == 0
    assert never["judged"] == always["judged"] > 15
    assert rising["of"] == "instrument"
    assert rising["count"] > 3
    assert rising["unknown"] == 0  # bars of before the first day are looked back at
    ended = [one for one in rising["trips"] if one["end"] is not None]
    assert all(one["begin"] < one["end"] for one in ended)


def test_a_condition_tried_between_a_bar_and_its_answer_was_judged_to_the_end(
    api: Api, asked: Any
) -> None:
    """The newest decision is not made yet: that is no lack of time."""
    serving = api[1]
    settings = read_stood(serving.configuration).state.settings
    seq = asked("/journal", kind="SliceClosed", limit=1).json()["items"][0]["seq"]
    state, _ = serving.past.at(settings, seq)

    assert tried(serving.past, state, seq, "equity > 0", 30)["whole"]


def test_rules_in_force_show_their_figures(desk: Any) -> None:
    path = desk / "algotrader.yaml"
    rule = 'rules: [{name: calm, when: "drawdown > 1%", then: {scale: 0.5}}]'
    path.write_text(path.read_text().replace("max_leverage: 1}", "max_leverage: 1}\n  " + rule))
    with an_api(desk) as (client, serving):
        headers = token_for(serving, Role.VIEWER)
        words = client.get("/api/v1/risk/words", headers=headers).json()
        rules = client.get("/api/v1/risk/rules", headers=headers).json()

    assert {one["name"] for one in words} >= {"drawdown", "volatility(bars)"}
    assert rules == []  # what is in force is what the trader began with


def test_a_text_is_looked_for_apart_from_the_event_loop_and_page_by_page(
    api: Api, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = asked("/journal", contains="US:AAPL", limit=1000).json()["items"]
    loop: set[int] = set()
    threads: set[int] = set()
    newest, picked = JournalIndex.newest, SegmentRows.picked

    def in_loop(self: JournalIndex, *args: Any) -> list[int]:
        loop.add(get_ident())
        return newest(self, *args)

    def in_thread(self: SegmentRows, wanted: Any) -> list[Any]:
        threads.add(get_ident())
        return picked(self, wanted)

    monkeypatch.setattr(JournalIndex, "newest", in_loop)
    monkeypatch.setattr(SegmentRows, "picked", in_thread)
    cursor, found = None, []
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = asked("/journal", contains="US:AAPL", limit=300, **more).json()
        found += page["items"]
        if (cursor := page["next"]) is None:
            break

    assert found[: len(whole)] == whole
    assert [one["seq"] for one in found] == sorted({one["seq"] for one in found}, reverse=True)
    assert loop
    assert threads
    assert not loop & threads


def test_the_check_of_the_chain_takes_none_of_the_threads_that_halt_needs(
    asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared: list[float] = []

    def borrowed(*_: Any, **__: Any) -> Any:
        limiter = from_thread.run_sync(to_thread.current_default_thread_limiter)
        shared.append(limiter.borrowed_tokens)
        return verify(*_, **__)

    monkeypatch.setattr(verifying, "verify", borrowed)

    assert asked("/journal/verify").json()["problem"] is None
    assert shared == [0]


def test_exposure_by_venue_is_what_the_positions_are_worth(api: Api, asked: Any) -> None:
    _, serving = api
    marks = asked("/journal", kind="AccountMarked", limit=200).json()["items"]
    row = next(one for one in marks if float(one["data"]["gross"]) > 0)
    state, _ = serving.past.at(read_stood(serving.configuration).state.settings, row["seq"])
    (held,) = position_rows(state)
    (found,) = exposure_rows(state)

    assert (found["account"], found["venue"], found["currency"]) == ("main", "US", "USD")
    assert float(found["long"]) == pytest.approx(float(held["mark"]) * float(held["quantity"]))
    assert float(found["long"]) > 0 == float(found["short"])
