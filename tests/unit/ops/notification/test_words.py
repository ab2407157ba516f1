"""What is said to people, in numbers that they can read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from algotrader.ops.notification.words import plain


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("0.6205188599999999999", "0.62051886"),  # a fee was taken in the coin
        ("-1234567.50", "-1,234,567.5"),
        ("123456789012345", "123,456,789,012,345"),
        ("1e-8", "0.00000001"),
        ("0", "0"),
    ],
)
def test_a_quantity_is_said_without_the_dust_of_its_fees(held: str, said: str) -> None:
    assert plain(Decimal(held)) == said
