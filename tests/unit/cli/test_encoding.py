"""A terminal that does not write UTF-8 is told in signs that it has, and no command fails there."""

from __future__ import annotations

import io

import pytest

from algotrader.cli.encoding import show_what_can_be_shown


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", "! -12.5 % -> ..."),
        ("gbk", "△ -12.5 % → …"),
        ("utf-8", "△ −12.5\u202f% → …"),
    ],
)
def test_what_an_encoding_lacks_is_written_in_what_it_has(encoding: str, shown: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    show_what_can_be_shown(stream)
    stream.write("△ −12.5\u202f% → …")
    stream.flush()

    assert raw.getvalue().decode(encoding) == shown
