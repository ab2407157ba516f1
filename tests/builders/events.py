"""One event of every kind, with every field filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from algotrader.core import events
from algotrader.core.fills import Fill, Liquidity
from algotrader.core.ids import AccountId, RunId, StrategyId, TradeId, VenueOrderId
from algotrader.core.money import Currency
from algotrader.core.orders import (
    DenialReason,
    Intent,
    Order,
    OrderStatus,
    OrderTerms,
    Protection,
    Side,
    TimeInForce,
)
from algotrader.core.symbols import Symbol

BTC = Symbol.parse("OKX:BTC/USDT:USDT")
ETH = Symbol.parse("OKX:ETH/USDT:USDT")
MAIN = AccountId("main")
TREND = StrategyId("trend")
USDT = Currency("USDT")

INTENT = Intent(
    account=MAIN,
    strategy=TREND,
    decided_at=datetime(2024, 3, 1, 12, tzinfo=UTC),
    terms=OrderTerms(
        instrument=BTC,
        side=Side.BUY,
        quantity=Decimal("1.50"),
        limit=Decimal("62000.1"),
        tif=TimeInForce.GTD,
        expires_at=datetime(2024, 3, 2, tzinfo=UTC),
    ),
    group="pair",
    tag="entry",
    protection=Protection(stop_loss=0.03, trailing=0.05),
    number=3,
)
ORDER = Order.from_intent(INTENT, RunId("run"), Decimal("1.25"))
FILL = Fill(
    trade_id=TradeId("t-1"),
    order_id=ORDER.order_id,
    account=MAIN,
    instrument=BTC,
    side=Side.BUY,
    quantity=Decimal("0.25"),
    price=Decimal("61999.9"),
    fee=Decimal("-0.00012"),
    fee_currency=USDT,
    filled_at=datetime(2024, 3, 1, 12, 0, 1, 250_000, tzinfo=UTC),
    liquidity=Liquidity.MAKER,
)

_TIMES: dict[str, Any] = {"ts_event": 1_709_294_401_250, "ts_known": 1_709_294_401_300}
_NEWS: dict[str, Any] = {
    **_TIMES, "account": MAIN, "order_id": ORDER.order_id, "instrument": BTC
}  # fmt: skip
_STRATEGY: dict[str, Any] = {**_TIMES, "account": MAIN, "strategy": TREND, "instrument": BTC}
_JUDGED: dict[str, Any] = {"gate_sequence": 7, "state_hash": "0f"}

EXAMPLES: tuple[events.Event, ...] = (
    events.BarClosed(
        **_TIMES, instrument=BTC, timeframe="1h", ts=1_709_290_800_000, open=62000.1,
        high=62100.0, low=61900.5, close=62050.0, volume=12.5, source="okx", revision=1,
        is_late=True, coverage=0.75,
    ),
    events.Decided(
        **_STRATEGY, decision_ts=1_709_294_400_000, outcome=events.DecisionOutcome.DECIDED,
        features={"fast": 1.5, "slow": None}, target=0.5, latched_quantity=Decimal("0.75"),
        equity=Decimal("10000.00"), price=62050.0, quote=62051.5, lots=75,
        rules=(
            events.RuleEffect(
                rule="max_weight", before=Decimal(90), after=Decimal(75), reason="limit 40%"
            ),
        ),
        state={"seen": [1, {"deep": None}]}, error=None, configuration_hash="ab",
    ),
    events.SignalRaised(**_STRATEGY, name="breakout", value=2.5, text="above the high of 20 days"),
    events.IntentRaised(**_TIMES, intent=INTENT),
    events.OrderDenied(
        **_TIMES, intent=INTENT, reasons=(DenialReason(rule="max_weight", message="too much"),),
        **_JUDGED,
    ),
    events.OrderSubmitted(**_TIMES, order=ORDER, deadline_ms=1_709_294_406_250, **_JUDGED),
    events.OrderAccepted(**_NEWS, venue_order_id=VenueOrderId("v-1")),
    events.OrderRejected(**_NEWS, code="51008", reason="insufficient balance"),
    events.OrderAmended(
        **_NEWS, quantity=Decimal("1.2"), limit=Decimal("62000.2"), stop=None
    ),
    events.OrderFilled(**_TIMES, fill=FILL),
    events.OrderCancelled(**_NEWS, filled_quantity=Decimal("0.25"), reason="by the strategy"),
    events.OrderExpired(**_NEWS, filled_quantity=Decimal(0)),
    events.OrderUnknown(**_NEWS, deadline_ms=1_709_294_406_250, reason="timed out"),
    events.OrderAbsent(**_NEWS, asked_ms=1_709_294_409_000),
    events.StopTriggered(
        **_NEWS, child_order_id=VenueOrderId("v-2"), trigger_price=Decimal("61000.0")
    ),
    events.PositionChanged(
        **_STRATEGY, quantity=Decimal("0.25"), entry=Decimal("61999.9"), realised=Decimal("-1.10"),
        currency=USDT,
    ),
    events.FundingPaid(
        **_TIMES, account=MAIN, instrument=BTC, settlement_id="f-1", amount=Decimal("-0.155"),
        currency=USDT, rate=Decimal("0.0001"), quantity=Decimal("0.25"), mark=Decimal("62000.0"),
    ),
    events.Liquidated(
        **_TIMES, account=MAIN, instrument=BTC, trade_id=TradeId("t-2"),
        quantity=Decimal("-0.25"), price=Decimal("31000.5"), fee=Decimal("3.1"),
        fee_currency=USDT,
    ),
    events.RiskTripped(
        **_TIMES, account=None, rule="total.max_drawdown", value=Decimal("0.16"),
        limit=Decimal("0.15"), action=events.RiskAction.FLATTEN, latched=True,
        text="drawdown 16%, limit 15%",
    ),
    events.CaughtUp(
        **_TIMES, account=MAIN, strategy=TREND, first_ts=1_709_280_000_000,
        last_ts=1_709_290_800_000, bars=4,
    ),
    events.HeartbeatMissed(
        **_TIMES, component="feed:OKX", last_seen_ms=None, allowed_ms=45_000
    ),
    events.SliceClosed(
        **_TIMES, timeframe="1h", decision_ts=1_709_294_400_000, instruments=(BTC,), missing=(ETH,)
    ),
    events.StrategyAnswered(
        **_TIMES, account=MAIN, strategy=TREND, decision_ts=1_709_294_400_000,
        outcome=events.DecisionOutcome.DECIDED,
        wanted=(
            events.TargetWanted(instrument=BTC, target=0.5, features={"fast": 1.5, "slow": None}),
        ),
        is_scheduled=False, state={"seen": 1}, error=None,
        asked=(
            events.AskedOrder(
                number=3, instrument=BTC, side=Side.BUY, weight=0.5, limit=62000.12,
                stop_loss=0.03, group="pair", tag="entry",
            ),
            events.AskedTarget(instrument=BTC, quantity=-1.5),
            events.AskedCancel(number=1),
            events.AskedAmend(number=2, limit=61000.0),
        ),
        lines=(events.StrategyLine(level="info", event="entered", fields={"why": "cross"}),),
    ),
    events.OrderSeen(
        **_NEWS, venue_order_id=VenueOrderId("v-1"), status=OrderStatus.PARTIALLY_FILLED,
        filled_quantity=Decimal("0.25"), asked_ms=1_709_294_409_000, quantity=Decimal("0.75"),
        limit=Decimal("61000.5"),
    ),
    events.OrderNotFound(**_NEWS, asked_ms=1_709_294_409_000),
    events.OrderCancelRequested(**_NEWS, reason="a new target"),
    events.OrderCancelRefused(**_NEWS, code="51400", reason="already filled"),
    events.ImpossibleReply(
        **_NEWS, status=OrderStatus.FILLED, told=OrderStatus.ACCEPTED, text="filled, now open"
    ),
    events.HoldingLeft(**_TIMES, account=MAIN, instrument=BTC, quantity=Decimal("-0.25")),
    events.CashMoved(
        **_TIMES, account=MAIN, movement_id="m-1", reason="deposit", amount=Decimal("10000"),
        currency=USDT,
    ),
    events.RunStarted(
        **_TIMES, run_id=RunId("run"), execution="paper", configuration_hash="ab", software="0.1.0",
        settings={"risk": {"account": {"max_leverage": "2"}}}, sources={TREND: "cd"},
        changes=("risk.account.max_leverage: 3, was 2",), accepted_by="operator",
    ),
    events.SettingsReloaded(
        **_TIMES, by="owner", channel="cli", reason="calmer", configuration_hash="ef",
        settings={"risk": {"account": {"max_leverage": "1"}}},
        changes=(
            events.SettingChange(key="risk.account.max_leverage", before="2", after="1"),
            events.SettingChange(
                key="workspace.lake", before="lake", after="sea", refused="needs a restart"
            ),
        ),
    ),
    events.SettingsRefused(
        **_TIMES, by="owner", channel="cli", reason="calmer", text="algotrader.yaml:2: no setting"
    ),
    events.StrategyReloaded(
        **_TIMES, by="owner", channel="cli", reason="slower", account=MAIN, strategy=TREND,
        parameters={"fast": 24, "risk": 0.5}, source_hash="cd",
    ),
    events.StrategyReloadRefused(
        **_TIMES, by="owner", channel="cli", reason="slower", account=MAIN, strategy=TREND,
        text="trend.py:3: invalid syntax",
    ),
    events.ParametersSet(
        **_TIMES, by="owner", channel="cli", reason="slower", account=MAIN, strategy=TREND,
        by_hand={"fast": 24}, parameters={"fast": 24, "risk": 0.5},
        changes=(
            events.SettingChange(
                key="strategies.trend.parameters.fast", before="12", after="24"
            ),
        ),
        configuration_hash="ef",
    ),
    events.StrategyUnloadRequested(
        **_TIMES, by="owner", channel="cli", reason="done", account=MAIN, strategy=TREND
    ),
    events.StrategyUnloaded(
        **_TIMES, by="owner", channel="cli", reason="done", account=MAIN, strategy=TREND
    ),
    events.ModeChanged(
        **_TIMES, account=MAIN, mode=events.TradingMode.HALTED, reason="daily loss", by="risk"
    ),
    events.EndRequested(**_TIMES, reason="trading.at_exit is cancel"),
    events.TimerFired(**_TIMES, name="lookup:ataaaa"),
    events.RiskCleared(
        **_TIMES, account=MAIN, strategy=TREND, instrument=BTC, rule="rule.calm down",
        after_bars=3, text="volatility(20) is low again",
    ),
    events.AccountMarked(
        **_TIMES, account=MAIN, equity=Decimal("10050.25"), deposits=Decimal("10000"),
        gross=Decimal("15500.0"),
        strategies=(
            events.StrategyMark(
                strategy=TREND, equity=Decimal("10050.25"), deposits=Decimal("10000")
            ),
        ),
    ),
    events.HaltRequested(
        **_TIMES, account=MAIN, by="owner", channel="cli", reason="news", flatten=True, strategy=TREND
    ),
    events.RearmRequested(
        **_TIMES, account=None, by="owner", channel="console", reason="checked", rule=None, strategy=TREND
    ),
    events.Rearmed(**_TIMES, account=MAIN, by="owner", reason="checked"),
    events.RearmRefused(
        **_TIMES, account=MAIN, by="owner", reason="the daily loss is still over its limit"
    ),
    events.HandOrderRequested(
        **_TIMES, by="owner", channel="cli", reason="the news", request="r-1", account=MAIN,
        instrument=BTC, side=Side.BUY, quantity=Decimal("1.50"), limit=Decimal("62000.1"),
        tif=TimeInForce.GTD, expires_ms=1_709_380_800_000, post_only=True,
    ),
    events.HandAmendRequested(
        **_TIMES, by="owner", channel="cli", reason="the news", request="r-2", account=MAIN,
        order=ORDER.order_id, quantity=Decimal("1.00"), limit=Decimal("61000.1"),
    ),
    events.HandCancelRequested(
        **_TIMES, by="owner", channel="cli", reason="the news", request="r-3", account=MAIN,
        order=ORDER.order_id,
    ),
    events.HandAnswered(
        **_TIMES, request="r-1", action=events.HandAction.PLACE, account=MAIN, order=None,
        reasons=(DenialReason(rule="max_weight", message="too much"),),
    ),
    events.LimitChangeRequested(
        **_TIMES, by="owner", channel="console", reason="smaller", key="account.max_leverage",
        value="1.5",
    ),
    events.LimitChanged(
        **_TIMES, key="account.max_leverage", before="2", after="1.5", value="1.5", by="owner",
        reason="smaller",
    ),
    events.LimitChangeRefused(
        **_TIMES, key="account.max_leverage", value="much", by="owner",
        reason="'much' is not a number",
    ),
    events.OrderAmendRequested(
        **_NEWS, quantity=Decimal("1.2"), limit=Decimal("62000.2"), stop=None, reason="asked for"
    ),
    events.OrderAmendRefused(**_NEWS, code="51503", reason="already filled"),
    events.ProtectionMissing(**_STRATEGY, allowed_ms=10_000),
    events.ProtectionRestored(**_STRATEGY, missing_ms=1_250),
    events.InstrumentChanged(
        **_TIMES, instrument=BTC, tick=Decimal("0.5"), lot=Decimal("0.1"),
        min_quantity=Decimal("0.1"), multiplier=Decimal("0.01"), expires_ms=1_709_380_800_000,
        frozen="suspend", changes=("tick", "state"),
    ),
    events.WorkStarted(
        **_TIMES, intent=INTENT, algorithm="twap", until_ms=1_709_298_001_300
    ),
    events.WorkEnded(
        **_STRATEGY, filled=Decimal("1.25"), left=Decimal("0.25"), reason="its time is over"
    ),
    events.QuoteSeen(**_TIMES, instrument=BTC, bid=Decimal("62050.0"), ask=Decimal("62050.1")),
)  # fmt: skip
