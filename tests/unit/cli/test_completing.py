"""The Tab key offers commands, options and the words an option takes."""

from __future__ import annotations

import pytest

from algotrader.cli.main import main


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("algotrader walk", ["walkforward"]),
        ("algotrader data re", ["repair", "resample"]),
        ("algotrader backtest Trend", ["TrendFollow"]),
        ("algotrader backtest x.py --path ", ["worst", "best", "near-far", "finer"]),
        ("algotrader sweep x.py --adjust s", ["splits"]),
        ("algotrader check x.py --timeframe 1", ["1m", "15m", "1h", "1d"]),
        ("algotrader backtest strategies/", []),  # the shell's own file names
    ],
)
def test_tab_offers_what_fits(
    typed: str,
    offered: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("_ALGOTRADER_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    words = typed.split()
    monkeypatch.setenv("COMP_CWORD", str(len(words) if typed.endswith(" ") else len(words) - 1))
    with pytest.raises(SystemExit):
        main([])

    assert capsys.readouterr().out.split() == offered
