"""What the journal keeps of the settings is read back as the same, and differences are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from algotrader.ops.config import load
from algotrader.ops.settings import Settings
from algotrader.ops.settings_text import deciding, differences, sentence
from algotrader.risk.settings import RiskSettings

FULL = """
risk:
  account: {max_leverage: 2, max_daily_loss: 3%, on_breach: halt}
  instrument: {max_weight: 40%, max_notional: 50_000.50, max_quote_age: 60s, hours: "mon-fri 09:30-16:00"}
  accounts: {main: {max_gross: 1_000}}
  execution: {max_slippage: 5bps, pause: 2h}
  protections: [{kind: cooldown, pause: 4h}]
  rules:
    - {name: calm, when: "volatility(20) > 2 * volatility(200)", then: {scale: 0.5}}
accounts: {main: {currency: USDT, cash: 10_000}}
strategies:
  trend: {use: TrendFollow, symbols: [OKX:BTC/USDT], timeframe: 1h, parameters: {fast: 12}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "algotrader.yaml").write_text(FULL)
    return load(tmp_path / "algotrader.yaml", environment={}).settings


def test_limits_come_back_from_the_journal_as_they_were(settings: Settings) -> None:
    kept = json.loads(json.dumps(deciding(settings, settings.risk)))
    read = RiskSettings.model_validate(kept["risk"])

    assert read == settings.risk
    # What an account of its own does not say still holds for all.
    assert read.accounts["main"].model_fields_set == {"max_gross"}
    assert read.model_dump(mode="json", exclude_unset=True) == kept["risk"]


def test_what_differs_is_named_by_key(settings: Settings) -> None:
    before = deciding(settings, settings.risk)
    after = json.loads(json.dumps(before))
    after["strategies"]["trend"]["parameters"] = {"fast": 12, "slow": 40}
    after["strategies"]["trend"]["symbols"] = ["OKX:BTC/USDT", "OKX:ETH/USDT"]
    del after["risk"]["account"]["max_daily_loss"]

    assert [sentence(one) for one in differences(before, after)] == [
        "risk.account.max_daily_loss: not set, was 0.03",
        "strategies.trend.parameters.slow: 40, was not set",
        "strategies.trend.symbols: OKX:BTC/USDT, OKX:ETH/USDT, was OKX:BTC/USDT",
    ]
    assert differences(before, before) == []
