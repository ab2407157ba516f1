"""The page of a comparison: what it says in both languages, and that no text of a run is markup."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from rich.console import Console

from algotrader.backtest.report.figures import moment
from algotrader.backtest.report.words import catalogue
from algotrader.cli.main import main
from algotrader.cli.parity_tables import plain_parity, print_parity
from algotrader.core.events import Decided, DecisionOutcome
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol
from algotrader.parity.causes import Cause, Compared, Result, Sameness
from algotrader.parity.comparing import Parity
from algotrader.parity.page import render_parity
from algotrader.parity.reading import Start
from algotrader.parity.record import Key
from algotrader.parity.replaying import Difference, Replayed
from algotrader.parity.standing import EquityGap
from algotrader.parity.summary import curves, folded, last_gap, resized
from algotrader.parity.today import Range

HOUR = 3_600_000
BEGIN = 1_700_006_400_000
BTC = Symbol.parse("OKX:BTC/USDT")
NONE = Result(ordered=Decimal(0), filled=Decimal(0), price=None)


def decided(hour: int, *, equity: str = "10000", towards: str | None = "0.5") -> Decided:
    return Decided(
        ts_event=BEGIN + hour * HOUR, ts_known=BEGIN + hour * HOUR, account=AccountId("main"),
        strategy=StrategyId("trend"), instrument=BTC, decision_ts=BEGIN + hour * HOUR,
        outcome=DecisionOutcome.DECIDED, features={}, target=0.5,
        latched_quantity=None if towards is None else Decimal(towards), equity=Decimal(equity),
        price=100.0, lots=1, configuration_hash="aa",
    )  # fmt: skip


def one(
    hour: int,
    sameness: Sameness,
    cause: Cause | None = None,
    *,
    text: str = "",
    gap: EquityGap | None = None,
    towards: str = "0.5",
    equity: str = "10000",
) -> Compared:
    return Compared(
        key=Key(BEGIN + hour * HOUR, StrategyId("trend"), BTC),
        journal=decided(hour, towards=towards, equity=equity), backtest=decided(hour), came=(NONE, NONE),
        sameness=sameness, cause=cause, text=text, gap=gap,
    )  # fmt: skip


def found(*decisions: Compared, replay: Replayed | None = None) -> Parity:
    return Parity(
        run_id="run1", span=Range(first_ms=BEGIN, last_ms=BEGIN + 9 * HOUR),
        replay=replay or Replayed(rows=20, steps=10, equal=10, commands=3, equal_commands=3),
        decisions=decisions, not_compared=0,
    )  # fmt: skip


EQUAL = one(0, Sameness.EQUAL)
GAP = EquityGap(
    whole=Decimal(-3),
    fills=Decimal(-1),
    fees=Decimal(-1),
    prices=Decimal(0),
    funding=Decimal(0),
    cash=Decimal(-1),
)


def said(page: str, lang: str) -> str:
    other = "zh" if lang == "en" else "en"
    without = re.sub(rf'<span lang="{other}">.*?</span>', "", page)
    return re.sub(r"<[^>]+>", " ", without)


def test_a_page_without_a_decision_to_compare_is_a_page() -> None:
    assert "equity-chart" not in render_parity(found())


@pytest.mark.parametrize(
    ("decisions", "sentence"),
    [
        ((EQUAL,), "All 1 decisions are what the backtest decides."),
        ((EQUAL, one(1, Sameness.WEIGHT, Cause.PATH, gap=GAP)), "All 2 decisions are equal in"),
        ((EQUAL, one(1, Sameness.DIFFERENT, Cause.DENIED)), "1 of 2 decisions are equal in weight"),
        ((EQUAL, one(1, Sameness.DIFFERENT, Cause.UNKNOWN)), "1 of 2 decisions differ from the"),
    ],
    ids=["equal", "in weight", "different", "unknown"],
)
def test_the_page_begins_with_the_verdict(decisions: tuple[Compared, ...], sentence: str) -> None:
    assert sentence in said(render_parity(found(*decisions)), "en")


def test_every_cause_has_a_name_in_both_languages() -> None:
    assert all(f"parity.cause.{cause.name.lower()}" in catalogue() for cause in Cause)


def test_what_a_run_says_is_text_and_never_markup() -> None:
    wild = one(1, Sameness.DIFFERENT, Cause.REJECTED, text="<img src=x onerror=alert(1)>")
    difference = Difference(
        seq=7, time_ms=BEGIN, input="BarClosed", kind="Decided", journal="<script>1</script>",
        replayed=None, error="KeyError: '<b>'",
    )  # fmt: skip
    replay = Replayed(rows=20, steps=10, equal=9, differences=[difference])

    page = render_parity(found(EQUAL, wild, replay=replay))

    assert "<img" not in page
    assert "<script>1" not in page
    assert "&lt;img src=x" in page
    assert "The replay differs" in said(page, "en")


def test_settings_that_changed_are_said_in_amber() -> None:
    start = Start(seq=2, time_ms=BEGIN, after_ms=None, configuration_hash="old", software="0")
    replay = Replayed(rows=1, steps=1, equal=1, starts=[start], configuration_hash="new")

    page = render_parity(found(EQUAL, replay=replay))

    assert "Some starts had other settings" in said(page, "en")
    assert "部分启动时的设置与今天不同" in said(page, "zh")


def test_coins_and_dollars_are_not_added() -> None:
    """An account in BTC beside one in USDT: one and ten thousand are no ten thousand and one."""
    dollars = one(1, Sameness.WEIGHT, Cause.PATH, gap=GAP)
    of_coin = msgspec.structs.replace(decided(1, equity="1"), account=AccountId("coin"))
    coins = Compared(
        key=Key(BEGIN + HOUR, StrategyId("swing"), BTC), journal=of_coin, backtest=of_coin,
        came=(NONE, NONE), sameness=Sameness.WEIGHT, cause=Cause.PATH, gap=GAP,
    )  # fmt: skip
    currencies = {AccountId("main"): "USDT", AccountId("coin"): "BTC"}
    mixed = replace(found(dollars, coins), currencies=currencies)
    alone = replace(found(dollars), currencies=currencies)

    assert last_gap(mixed) is None
    assert not any(len(curve.ts) for curve in curves(mixed))
    assert plain_parity(mixed)["backtest"]["equity"] is None
    page = render_parity(mixed)
    assert "equity-chart" not in page
    assert "their equities are not added up" in said(page, "en")
    assert "权益不相加" in said(page, "zh")
    assert last_gap(alone) == GAP
    assert [curve.equity.tolist() for curve in curves(alone)] == [[10_000.0], [10_000.0]]


def test_a_line_of_many_days_names_the_last_of_them() -> None:
    """Bars of a day all close at midnight: `00:00 → 00:00` would name none."""
    rows = [
        one(hour, Sameness.DIFFERENT, Cause.RESTART, text="not decided") for hour in (0, 1, 24, 48)
    ]
    screen = io.StringIO()

    print_parity(Console(file=screen, width=200), found(*rows), 20)
    page = said(render_parity(found(*rows)), "en")
    whole, same_day = folded(rows)[0], folded(rows[:2])[0]

    assert whole.until(moment) == "2023-11-17 00:00"
    assert same_day.until(moment) == "01:00"
    assert "2023-11-15 00:00 to 2023-11-17 00:00, 4 times" in screen.getvalue()
    assert "2023-11-15 00:00 → 2023-11-17 00:00" in page


def test_one_reason_again_and_again_is_one_line() -> None:
    down = "not decided: the trader was started again"
    rows = [one(hour, Sameness.DIFFERENT, Cause.RESTART, text=down) for hour in (1, 2, 3)]
    other = one(4, Sameness.DIFFERENT, Cause.DENIED, text="by stale")

    lines = folded([EQUAL, *rows, other])

    assert [(line.count, line.first.cause) for line in lines] == [
        (3, Cause.RESTART), (1, Cause.DENIED),
    ]  # fmt: skip
    assert lines[0].last_ts == BEGIN + 3 * HOUR


def test_sizes_stand_with_the_farthest_apart_first() -> None:
    near = one(1, Sameness.WEIGHT, Cause.PATH, gap=GAP, towards="0.49")
    far = one(2, Sameness.WEIGHT, Cause.PATH, gap=GAP, towards="0.4")
    same = one(3, Sameness.WEIGHT, Cause.PATH, gap=GAP)

    assert resized([near, far, same]) == [far, near]
    page = said(render_parity(found(near, far, same)), "en")
    assert page.index("0.4 ") < page.index("0.49 ")


def test_a_gap_of_terms_that_do_not_sum_leaves_a_rest() -> None:
    assert GAP.rest == 0
    assert replace(GAP, whole=Decimal(-4)).rest == -1


def test_the_distance_in_money_is_drawn_where_there_is_one() -> None:
    apart = one(1, Sameness.WEIGHT, Cause.PATH, gap=GAP, equity="9997")

    page = render_parity(found(EQUAL, apart))

    assert 'id="gap"' in page
    assert "−3.00" in said(page, "en")
    assert 'id="gap"' not in render_parity(found(EQUAL, one(1, Sameness.EQUAL)))


@pytest.mark.parametrize(("not_compared", "code"), [(0, 0), (1, 0), (2, 4), (478, 4)])
def test_a_comparison_of_few_decisions_says_so_first_and_is_no_yes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    not_compared: int,
    code: int,
) -> None:
    few = replace(found(EQUAL), not_compared=not_compared)
    monkeypatch.setattr("algotrader.ops.parity.compare_workspace", lambda *_: few)
    monkeypatch.setattr("algotrader.cli.desk_tables.configured", lambda _: None)

    assert main(["parity"]) == code
    said = capsys.readouterr().out.splitlines()
    page = render_parity(few)
    headline = "Most decisions were not compared: 1 of"
    assert (headline in said[1], f"{headline} {1 + not_compared:,} could be" in page) == (
        code == 4,
        code == 4,
    )
    of = f" of {1 + not_compared:,}" if not_compared else ""
    assert any(line.startswith(f"backtest  1{of} decisions: 1 equal") for line in said)
    assert plain_parity(few)["clean"] is plain_parity(few)["conclusive"] is (code == 0)


def test_a_finding_among_few_decisions_stays_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(found(one(1, Sameness.DIFFERENT, Cause.UNKNOWN)), not_compared=50)
    monkeypatch.setattr("algotrader.ops.parity.compare_workspace", lambda *_: few)
    monkeypatch.setattr("algotrader.cli.desk_tables.configured", lambda _: None)

    assert main(["parity"]) == 1
    assert "nothing in the journal says why" in render_parity(few)
