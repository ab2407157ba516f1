"""The quality check agrees with the published audit of every real file.

`gaps` counts steps longer than a bar and the bars inside them, on markets that never close.
Interpolated bars are compared where the audit counted them. Monthly bars have no length here
(a month is no time frame), so the one monthly file is refused with that sentence.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from algotrader.core.calendars import load_calendar, recognise
from algotrader.core.errors import DataError, UsageError
from algotrader.core.timeframes import Timeframe
from algotrader.data.files import read_bars
from algotrader.data.quality.check import check_table
from algotrader.data.quality.findings import Finding, Level
from algotrader.data.rows import stamp_text
from algotrader.data.tables import BarTable, read_tables

WORDS = {
    "price_missing": "rows with NaN price", "volume_missing": "NaN volume",
    "high_below_body": "high<max(o,c)", "low_above_body": "low>min(o,c)",
    "price_not_positive": "rows price<=0", "zero_volume": "zero-volume bars",
    "clock_change": "off-grid steps", "off_grid": "off-grid steps",
}  # fmt: skip


def cases(folder: Path) -> list[dict[str, Any]]:
    loaded = json.loads((folder / "golden" / "golden.json").read_text())
    every = loaded if isinstance(loaded, list) else loaded["cases"]
    return [case for case in every if case["group"] == "quality"]


def findings_of(folder: Path, case: dict[str, Any]) -> tuple[BarTable, list[Finding]]:
    table = read_tables(folder / case["input"]["file"].removeprefix("shared/"))[0]
    timeframe = Timeframe.parse(case["input"]["bar"])
    if case["expected"]["gaps"] != "session":
        calendar = load_calendar("24/7")
    else:
        span = slice(None) if timeframe.ms > 60_000 else slice(2000)  # enough to tell the market
        found = recognise(np.unique(table.ts)[span], timeframe).calendar
        calendar = load_calendar("24/5" if found == "24/7" else found)
    return table, check_table(table, timeframe, calendar, case["id"])


def described(table: BarTable, findings: list[Finding]) -> dict[str, Any]:
    """Our findings in the words of the audit."""
    bars: Counter[str] = Counter()
    for finding in findings:
        if finding.rule == "volume_absent":
            absent = "zero_volume" if "throughout" in finding.message else "volume_missing"
            bars[WORDS[absent]] += finding.bars
        elif finding.rule in WORDS:
            bars[WORDS[finding.rule]] += finding.bars
    gaps = [finding for finding in findings if finding.rule == "gap"]
    places, missing = sum(f.places for f in gaps), sum(f.bars for f in gaps)
    return {
        "rows": len(table),
        "first": stamp_text(int(table.ts.min())),
        "last": stamp_text(int(table.ts.max())),
        "gaps": f"{places} gaps / {missing} bars" if places else "0",
        "faults": {f"{count} {words}" for words, count in bars.items()},
        "interpolated": sum(f.bars for f in findings if f.rule == "interpolated"),
        "large": any(f.rule == "large_move" for f in findings),
    }


def test_every_audited_file_gives_the_audited_faults(shared_data: Path) -> None:
    audits = [case for case in cases(shared_data) if case["input"]["bar"] != "1mo"]
    differences = []
    for case in audits:
        expected = case["expected"]
        got = described(*findings_of(shared_data, case))
        faults = {word for word in expected["faults"].split("; ") if word}
        large = {word for word in faults if "log ret" in word}
        wanted = {
            "rows": expected["rows"], "first": expected["first"], "last": expected["last"], "faults": faults - large, "large": bool(large),
            "gaps": got["gaps"] if expected["gaps"] == "session" else expected["gaps"],
            "interpolated": expected.get("interpolated_bars", got["interpolated"]),
        }  # fmt: skip
        differences += [
            f"{case['id']}: {name} is {got[name]}, the audit says {value}"
            for name, value in wanted.items()
            if got[name] != value
        ]
    assert not differences, "\n".join(differences)
    assert len(audits) == 127


def test_the_monthly_file_is_refused_because_a_month_is_no_time_frame(shared_data: Path) -> None:
    [monthly] = [case for case in cases(shared_data) if case["input"]["bar"] == "1mo"]

    with pytest.raises(DataError, match="which is no time frame"):
        read_bars(shared_data / monthly["input"]["file"].removeprefix("shared/"))
    with pytest.raises(UsageError):
        Timeframe.parse("1mo")


def test_a_symbol_that_was_another_company_is_found(shared_data: Path) -> None:
    for name in ("EEM", "USO", "WM"):
        table = read_tables(shared_data / "data" / "us_equity" / f"lean_{name}_1d_raw.parquet")[0]
        found = check_table(table, Timeframe.parse("1d"), load_calendar("XNYS"), name)
        assert any(finding.rule == "other_company" for finding in found), name


def test_volume_that_changes_its_unit_is_found_at_the_three_bars(shared_data: Path) -> None:
    path = shared_data / "data" / "crypto_spot" / "bitstamp_BTCUSD_1h_2018-2022.parquet"
    found = check_table(
        read_tables(path)[0], Timeframe.parse("1h"), load_calendar("24/7"), "BTC/USD"
    )

    switches = [stamp_text(f.first_ts) for f in found if f.rule == "volume_unit"]
    assert switches == ["2019-03-03 01:00", "2019-04-13 17:00", "2020-10-12 09:00"]


def test_f44_the_clock_change_of_local_stamps_is_found(shared_data: Path) -> None:
    name = "okx_BTCUSDT_perp_8h_as_published_uk_local_time.parquet"
    table = read_tables(shared_data / "data" / "faults" / name)[0]

    found = check_table(table, Timeframe.parse("8h"), load_calendar("24/7"), "BTC/USDT:USDT")

    changes = [finding for finding in found if finding.rule == "clock_change"]
    assert [finding.month for finding in changes] == ["2023-03", "2023-10", "2024-03"]
    assert all(str(finding.level) == "error" for finding in changes)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("zeros", {"price_not_positive", "stale"}),
        ("toobig", {"oversized_price"}),  # prices of fourteen digits
        ("mismatch", {"disorder", "gap"}),  # years out of order
        ("penny", set()),  # a share of three dollars is sound
    ],
)
def test_f42_files_of_bad_quotes_are_found_and_cheap_shares_are_not(
    shared_data: Path, name: str, rules: set[str]
) -> None:
    path = shared_data / "data" / "faults" / f"skender_{name}.csv"
    found = check_table(read_tables(path)[0], Timeframe.parse("1d"), load_calendar("XNYS"), name)

    assert {f.rule for f in found if f.level != Level.NOTE} == rules


def test_f42_rows_without_a_stamp_are_refused_by_number_and_the_others_are_judged(
    shared_data: Path, tmp_path: Path
) -> None:
    text = (shared_data / "data" / "faults" / "skender_bad.csv").read_text("utf-8-sig")
    bad, stamped = tmp_path / "bad.csv", tmp_path / "stamped.csv"
    bad.write_text(text)
    stamped.write_text("\n".join(row for row in text.splitlines() if not row.startswith(",")))

    with pytest.raises(DataError, match="row 201 has no time stamp"):
        read_tables(bad)
    found = check_table(
        read_tables(stamped)[0], Timeframe.parse("1d"), load_calendar("XNYS"), "stamped"
    )

    errors = {f.rule for f in found if f.level == Level.ERROR}
    assert {"price_missing", "price_not_positive", "volume_negative", "high_below_low"} <= errors
