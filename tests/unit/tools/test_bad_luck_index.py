"""What a trader may meet at its start and after: each has a test by the real command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
TRADING, DISK = "e2e/test_bad_luck_of_trading.py", "e2e/test_bad_luck_of_the_disk.py"
CHANGES = "e2e/test_changes_while_trading.py"
MET = {
    "wrong keys": (TRADING, "test_f68_wrong_keys_refuse_the_start"),
    "expired keys": (TRADING, "test_f68_keys_that_the_venue_refuses_are_said_by_what_to_do"),
    "an address that is not allowed": (
        TRADING, "test_f68_keys_that_the_venue_refuses_are_said_by_what_to_do"
    ),
    "keys that stop working later": (
        TRADING, "test_an_account_that_is_unfit_later_on_loses_nothing_of_its_journal"
    ),
    "no permission": (TRADING, "test_keys_that_cannot_trade_or_may_withdraw_are_refused"),
    "a clock 30 s off": (TRADING, "test_a_clock_off_by_half_a_minute_refuses_the_start"),
    "an unknown symbol": (TRADING, "test_an_unknown_symbol_is_named_before_anything_is_opened"),
    "a strategy file broken at the start": (
        TRADING, "test_what_is_wrong_in_the_files_is_said_before_the_venue_is_asked"
    ),
    "a strategy file broken on reload": (
        CHANGES, "test_a_broken_strategy_file_keeps_the_old_one_running_and_says_so"
    ),
    "limits that contradict each other": (
        TRADING, "test_what_is_wrong_in_the_files_is_said_before_the_venue_is_asked"
    ),
    "limits that contradict each other on reload": (
        CHANGES, "test_f62_a_broken_file_leaves_the_running_settings_untouched"
    ),
    "live without confirmation": (
        TRADING, "test_real_orders_need_both_the_settings_and_the_confirmation"
    ),
    "a journal from a newer version": (
        DISK, "test_a_journal_of_a_newer_version_is_not_traded_on_and_not_changed"
    ),
    "a read-only disk": (DISK, "test_a_journal_that_cannot_be_written_refuses_the_start"),
    "a full disk": (
        DISK, "test_promise_23_a_disk_that_fills_up_stops_trading_until_there_is_room_and_loses_nothing"
    ),
    "a second instance": (
        TRADING, "test_f65_a_second_trader_in_the_same_folder_is_refused_and_changes_nothing"
    ),
    "a second instance in another folder": (
        TRADING, "test_f65_a_second_trader_of_the_account_in_another_folder_is_refused"
    ),
    "a venue that answers HTML": (
        TRADING, "test_a_venue_that_answers_with_a_page_refuses_the_start"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(MET))
def test_what_may_be_met_has_a_test(name: str) -> None:
    file, function = MET[name]
    source = (TESTS / file).read_text(encoding="utf-8")

    assert re.search(rf"^def {function}\(", source, flags=re.MULTILINE)
