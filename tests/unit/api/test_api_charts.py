"""What a chart draws beside its bars: the strategy's own features, and the bar that is still open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.builders.api_desk import an_api, token_for

from algotrader.api.access import Role
from algotrader.api.features import Shown, drawn
from algotrader.api.serving import Serving
from algotrader.core.timeframes import Timeframe
from algotrader.data.forming import FormingBar, write_forming
from algotrader.ops.feature_columns import FeatureColumns

Api = tuple[TestClient, Serving]
NAN = float("nan")


def asked(api: Api, path: str) -> Any:
    client, serving = api
    answer = client.get(f"/api/v1/{path}", headers=token_for(serving, Role.VIEWER))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_features_of_a_chart_are_those_that_the_decisions_were_made_from(api: Api) -> None:
    shown = asked(api, "strategies/trend/features?symbol=US:AAPL&timeframe=1d&points=20000")
    (decision, *_) = asked(api, "decisions?symbol=US:AAPL&limit=1")["items"]
    last = {one["name"]: one["values"][-1] for one in shown["features"]}

    assert shown["ts"] == asked(api, "bars?symbol=US:AAPL&timeframe=1d&points=20000")["ts"]
    assert last == pytest.approx(decision["features"])
    assert {one["name"]: one["on_price"] for one in shown["features"]} == {
        "fast": True, "slow": True, "volatility": False,
    }  # fmt: skip


def test_features_of_a_strategy_that_there_is_not_are_not_found(api: Api) -> None:
    client, serving = api
    answer = client.get(
        "/api/v1/strategies/other/features?symbol=US:AAPL&timeframe=1d",
        headers=token_for(serving, Role.VIEWER),
    )

    assert answer.status_code == 404


def test_a_feature_of_longer_bars_stands_from_their_close_on() -> None:
    """A bar of 2 h opened at 0 h is known at 2 h: at the close of the hour opened at 1 h."""
    hour = Timeframe.parse("1h").ms
    columns = FeatureColumns(
        symbols=("OKX:BTC/USDT",),
        ts=np.array([0, 2 * hour]),
        values={"fast": np.array([[100.0], [110.0]]), "vol": np.array([[0.01], [NAN]])},
    )
    ts = np.arange(5) * hour
    shown = Shown(ts, 5 * hour, np.full(5, 105.0))
    fast, vol = drawn(columns, "OKX:BTC/USDT", Timeframe.parse("2h"), shown)

    assert fast == {"name": "fast", "on_price": True, "values": [None, 100.0, 100.0, 110.0, 110.0]}
    assert vol == {"name": "vol", "on_price": False, "values": [None, 0.01, 0.01, None, None]}


def test_open_bars_are_shown_of_a_desk_on_live_bars_alone(desk: Path) -> None:
    bar = FormingBar(
        symbol="OKX:BTC/USDT", timeframe="1h", ts=0, open=1.0, high=3.0, low=0.5, close=2.0,
        volume=7.0, heard_ms=1_000,
    )  # fmt: skip
    write_forming(desk / "live", [bar])
    with an_api(desk) as replayed:
        assert asked(replayed, "forming") == []
    with an_api(
        desk, **{"trading.data": "live", "trading.start": None, "trading.end": None}
    ) as api:
        (shown,) = asked(api, "forming")

    assert (shown["close"], shown["heard_ms"]) == (2.0, 1_000)
