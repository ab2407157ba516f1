"""The gate, by hand-worked numbers: what is cut, what is denied, what always passes (R28)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.books import SPOT, SWAP

from algotrader.core.events import OrderSubmitted, TradingMode
from algotrader.core.ids import AccountId, RunId, StrategyId
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Approved, Denied, Intent, OrderTerms, Purpose, Side
from algotrader.risk.engine import RiskEngine
from algotrader.risk.exposure import AccountExposure, InstrumentExposure
from algotrader.risk.gate import with_order
from algotrader.risk.settings import RiskSettings

MAIN = AccountId("main")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
INSTRUMENTS = {instrument.symbol: instrument for instrument in (SPOT, SWAP)}


def a_gate(**sections: dict[str, object]) -> RiskEngine:
    return RiskEngine(RiskSettings.model_validate(sections), INSTRUMENTS, RunId("run"))


def state(instrument: Instrument = SPOT, **changes: Any) -> AccountExposure:
    """Equity 10,000, price 100, nothing held, nothing open."""
    account = {name: changes.pop(name) for name in ("mode", "now_ms", "equity") if name in changes}
    here = InstrumentExposure(instrument=instrument, price=Decimal(100))
    return AccountExposure(
        **{
            "account": MAIN,
            "mode": TradingMode.TRADING,
            "now_ms": 1_000_000,
            "equity": Decimal(10_000),
            "cash": Decimal(10_000),
            "instruments": {instrument.symbol: replace(here, **changes)},
            **account,
        }
    )


def wants(quantity: str, purpose: Purpose = Purpose.TARGET, **terms: Any) -> Intent:
    instrument = terms.pop("instrument", SPOT)
    return Intent(
        account=MAIN,
        strategy=StrategyId("trend"),
        decided_at=NOON,
        terms=OrderTerms(
            instrument=instrument.symbol,
            side=Side.BUY if Decimal(quantity) > 0 else Side.SELL,
            quantity=abs(Decimal(quantity)),
            **terms,
        ),
        purpose=purpose,
    )


def keep(gate: RiskEngine, verdict: Approved[Any] | Denied, at_ms: int = 1_000_000) -> None:
    """Tell what was let through, as the engine does before it sends."""
    assert isinstance(verdict, Approved)
    gate.apply(
        OrderSubmitted(
            ts_event=at_ms, ts_known=at_ms, order=verdict.order,
            gate_sequence=verdict.gate_sequence, state_hash=verdict.state_hash,
            deadline_ms=at_ms + 5_000,
        )
    )  # fmt: skip


def allowed(verdict: Approved[Any] | Denied) -> Decimal | list[str]:
    """The quantity let through, or the rules that refused."""
    if isinstance(verdict, Denied):
        return [reason.rule for reason in verdict.reasons]
    quantity = verdict.order.quantity
    assert isinstance(quantity, Decimal)
    return quantity


@pytest.mark.parametrize(
    ("limits", "account", "intent", "expected"),
    [
        ({}, {}, wants("50"), Decimal(50)),
        # 2,000 / 100 = 20 allowed; 5 held and 3 on their way leave 12.
        ({"instrument": {"max_notional": 2000}}, {}, wants("50"), Decimal(20)),
        (
            {"instrument": {"max_notional": 2000}},
            {"position": Decimal(5), "buying": Decimal(3)},
            wants("50"),
            Decimal(12),
        ),
        ({"instrument": {"max_quantity": 7}}, {}, wants("50"), Decimal(7)),
        # 40 % of 10,000 at 100.
        ({"instrument": {"max_weight": "40%"}}, {}, wants("50"), Decimal(40)),
        ({"order": {"max_notional": 1000}}, {}, wants("50"), Decimal(10)),
        ({"order": {"max_notional": 1000}}, {}, wants("50", limit=Decimal(125)), Decimal(8)),
        # Twice the equity is 20,000; 15,000 are held: 5,000 / 100.
        ({"account": {"max_leverage": 2}}, {"position": Decimal(150)}, wants("80"), Decimal(50)),
        # The tightest of several: 20, 40 and 10.
        (
            {
                "instrument": {"max_notional": 2000, "max_weight": "40%"},
                "order": {"max_notional": 1000},
            },
            {},
            wants("50"),
            Decimal(10),
        ),
        # 0.04 of a coin is 4 USDT, less than the venue's 5.
        ({"instrument": {"max_quantity": "0.04"}}, {}, wants("50"), ["max_quantity"]),
        (
            {"instrument": {"max_quantity": 7}},
            {"position": Decimal(7)},
            wants("1"),
            ["max_quantity"],
        ),
        # An explicit order is not cut but denied, with every reason.
        (
            {"instrument": {"max_quantity": 7}, "order": {"max_notional": 1000}},
            {},
            wants("50", Purpose.ORDER),
            ["max_quantity", "order.max_notional"],
        ),
        ({"order": {"price_band": "3%"}}, {}, wants("1", limit=Decimal(104)), ["price_band"]),
        ({"order": {"price_band": "3%"}}, {}, wants("1", limit=Decimal(103)), Decimal(1)),
        # Reductions pass every limit.
        ({"instrument": {"max_quantity": 7}}, {"position": Decimal(90)}, wants("-50"), Decimal(50)),
        ({}, {"has_doubt": True}, wants("1"), ["unknown_order"]),
        ({}, {"has_doubt": True, "position": Decimal(5)}, wants("-5"), Decimal(5)),
        ({}, {"mode": TradingMode.REDUCE_ONLY}, wants("1"), ["reduce_only"]),
        ({}, {"mode": TradingMode.REDUCE_ONLY, "position": Decimal(5)}, wants("-5"), Decimal(5)),
        # What is on its way already cannot be reduced again: the rest would open a short.
        (
            {},
            {"mode": TradingMode.REDUCE_ONLY, "position": Decimal(5), "selling": Decimal(5)},
            wants("-5"),
            ["reduce_only"],
        ),
        ({}, {"mode": TradingMode.HALTED, "position": Decimal(5)}, wants("-5"), ["halt"]),
        (
            {},
            {"mode": TradingMode.HALTED, "position": Decimal(5)},
            wants("-5", Purpose.STOP_LOSS),
            Decimal(5),
        ),
        ({}, {"mode": TradingMode.STARTING, "position": Decimal(5)}, wants("-5"), ["starting"]),
        ({}, {"is_stale": True, "position": Decimal(5)}, wants("-5"), ["stale"]),
        ({}, {"price": None}, wants("1"), ["no_price"]),
        ({}, {"equity": Decimal(0)}, wants("1"), ["equity"]),
        ({}, {}, wants("-5", reduce_only=True), ["reduce_only"]),
    ],
)
def test_what_the_gate_lets_through(
    limits: dict[str, dict[str, object]],
    account: dict[str, Any],
    intent: Intent,
    expected: Decimal | list[str],
) -> None:
    assert allowed(a_gate(**limits).judge(intent, state(**account))) == expected


def test_a_flip_may_close_all_and_open_what_the_limit_leaves() -> None:
    # 5 contracts long; 9 sold would leave 4 short, of which 3 are allowed: 5 + 3.
    gate = a_gate(instrument={"max_quantity": 3})

    verdict = gate.judge(wants("-9", instrument=SWAP), state(SWAP, position=Decimal(5)))

    assert allowed(verdict) == 8


def test_open_orders_count_in_full_for_the_next_intent_of_a_step() -> None:
    gate, account = a_gate(instrument={"max_quantity": 7}), state()

    first = gate.judge(wants("5"), account)
    assert isinstance(first, Approved)
    second = gate.judge(wants("5"), with_order(account, first.order))

    assert allowed(second) == 2


@pytest.mark.parametrize(
    ("limits", "pause_ms", "expected"),
    [
        ({"max_per_second": 2}, 0, ["max_per_second"]),
        ({"max_per_second": 2}, 1_000, Decimal(1)),
        ({"max_per_minute": 2}, 59_999, ["max_per_minute"]),
        ({"max_per_minute": 2}, 60_000, Decimal(1)),
    ],
)
def test_orders_sent_are_counted_in_their_window(
    limits: dict[str, object], pause_ms: int, expected: Decimal | list[str]
) -> None:
    gate = a_gate(order=limits)
    for attempt in range(2):
        verdict = gate.judge(replace(wants("1"), attempt=attempt), state())
        assert allowed(verdict) == 1
        keep(gate, verdict)

    third = gate.judge(wants("1"), state(now_ms=1_000_000 + pause_ms))

    assert allowed(third) == expected


def test_an_approval_carries_the_judgement_and_the_state_it_was_made_on() -> None:
    gate = a_gate()
    verdicts = []
    for attempt, account in enumerate((state(), state(), state(position=Decimal(1)))):
        verdicts.append(gate.judge(replace(wants("1"), attempt=attempt), account))
        keep(gate, verdicts[-1])

    first, same, other = verdicts
    assert [verdict.gate_sequence for verdict in verdicts] == [1, 2, 3]
    assert first.state_hash == same.state_hash != other.state_hash


def test_an_instrument_of_another_account_is_refused() -> None:
    assert allowed(a_gate().judge(wants("1", instrument=SWAP), state())) == ["instrument"]


def test_nobody_but_the_gate_approves() -> None:
    from algotrader.core.orders import GateSeal

    with pytest.raises(PermissionError):
        GateSeal()
