"""Which changes of a limit let more happen."""

from __future__ import annotations

import pytest

from algotrader.risk.loosening import loosens


@pytest.mark.parametrize(
    ("key", "before", "after", "is_looser"),
    [
        ("account.max_leverage", "2", "3", True),
        ("account.max_leverage", "2", "1.5", False),
        ("account.max_leverage", "2", None, True),
        ("account.max_leverage", None, "2", False),
        ("account.max_daily_loss", "0.03", "5%", True),
        ("account.max_daily_loss", "0.03", "300bps", False),
        ("instruments.OKX:BTC/USDT.max_notional", "50_000", "50_001", True),
        ("instrument.max_quote_age", "60s", "2m", True),
        ("instrument.max_quote_age", "60s", "30s", False),
        ("account.min_free", "0.1", "0.05", True),
        ("account.min_free", "0.1", "0.2", False),
        ("account.min_margin_ratio", "1.5", None, True),
        ("order.price_band", "3%", "4%", True),
        ("order.fat_finger", "10", "5", False),
        ("account.on_breach", "flatten", "halt", True),
        ("account.on_breach", "warn", "halt", False),
        ("account.max_positions", "3", "x", True),
        ("instrument.hours", "mon-fri 09:30-16:00", "mon-fri 10:00-16:00", True),
        ("account.max_leverage", "2", "2", False),
    ],
)
def test_a_change_that_lets_more_happen_is_known(
    key: str, before: str | None, after: str | None, is_looser: bool
) -> None:
    assert loosens(key, before, after) is is_looser
