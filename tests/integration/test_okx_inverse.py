"""Inverse perpetuals of OKX, from the target to the books: contracts of 100 USD, money in BTC."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.books import cash
from tests.builders.okx_orders import Desk, a_desk, an_order, approved, settings, soon
from tests.builders.okx_venue import listing, served, simulator

from algotrader.cli.main import main
from algotrader.core.events import FundingPaid, OrderAccepted, OrderSeen
from algotrader.core.fills import Fill
from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency
from algotrader.core.orders import Order, OrderStatus, Side
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import Symbol
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.portfolio.ledger import Ledger
from algotrader.portfolio.sizing import Outcome, SizingBasis, SizingRules, size_targets

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

INVERSE = Symbol.parse("OKX:BTC/USD:BTC")
RULES: Instrument = listing("BTC-USD-SWAP").instrument
PRICE = 30_000.0
COIN = Currency("BTC")


def on_a_desk(work: Callable[[Desk], Awaitable[None]], **more: Any) -> None:
    async def run() -> None:
        chosen = settings(watched=frozenset({INVERSE}), news={"check_s": 0.2})
        async with a_desk(chosen, **more) as desk:
            await work(desk)

    asyncio.run(run())


async def filled(desk: Desk, order: Order) -> tuple[Fill, ...]:
    answer = await desk.broker.submit(approved(order), soon())
    assert isinstance(answer, OrderAccepted), answer
    for _ in range(10):
        await desk.move(2_000)
        found = await desk.broker.look_up(order.order_id, INVERSE)
        assert isinstance(found, OrderSeen)
        if found.status.is_final:
            break
    assert found.status is OrderStatus.FILLED
    return tuple(one.fill for one in await desk.broker.trades(order.order_id, INVERSE))


def sized(weight: float, equity: str, held: str = "0") -> Decimal:
    """Contracts that a weight of coins comes to."""
    basis = SizingBasis(
        equity=Decimal(equity), prices={INVERSE: PRICE}, positions={INVERSE: Decimal(held)},
        instruments={INVERSE: RULES},
    )  # fmt: skip
    (target,) = size_targets({INVERSE: weight}, basis, SizingRules(max_leverage=3.0))
    assert target.outcome is Outcome.TRADE
    return target.change


def test_a_weight_of_coins_becomes_contracts_of_their_face_value() -> None:
    # 2 coins of 30,000 USD are 600 contracts of 100 USD; half of it short is 300 less.
    assert sized(1.0, "2") == 600
    assert sized(-0.5, "2") == -300
    assert sized(0.5, "2", held="600") == -300


def test_orders_fills_fees_and_positions_are_in_contracts_and_coins() -> None:
    async def work(desk: Desk) -> None:
        order = an_order(f"{sized(1.0, '2')}", symbol=INVERSE)
        (fill,) = await filled(desk, order)
        assert (fill.quantity, fill.fee_currency) == (600, "BTC")
        # 600 contracts of 100 USD are worth 60,000 / price coins; the taker pays 0.05 % of that.
        assert fill.fee == pytest.approx(Decimal(60_000) / fill.price * Decimal("0.0005"))
        assert await desk.broker.positions([INVERSE]) == {INVERSE: Decimal(600)}
        sale = an_order("900", symbol=INVERSE, side=Side.SELL, number=1)
        await filled(desk, sale)
        assert await desk.broker.positions([INVERSE]) == {INVERSE: Decimal(-300)}

    on_a_desk(work)


def test_the_books_and_the_venue_hold_the_same_coins_after_a_round_trip() -> None:
    async def work(desk: Desk) -> None:
        account = OkxAccount(desk.broker._client)
        before = (await account.balances())["BTC"].cash
        ledger = Ledger.open(COIN, [RULES]).apply(cash(f"{before}", currency="BTC"))
        opened = await filled(desk, an_order("600", symbol=INVERSE))
        desk.server.simulator.advance_venue(60_000)
        closed = await filled(desk, an_order("600", symbol=INVERSE, side=Side.SELL, number=1))
        for fill in (*opened, *closed):
            ledger = ledger.apply(fill)
        after = (await account.balances())["BTC"].cash
        assert ledger.equity({INVERSE: Decimal(30_000)}) == pytest.approx(
            after, rel=Decimal("1e-12")
        )
        assert await desk.broker.positions([INVERSE]) == {INVERSE: Decimal(0)}

    on_a_desk(work)


def test_a_stop_of_an_inverse_position_rests_reduces_and_is_told_under_its_id() -> None:
    async def work(desk: Desk) -> None:
        await filled(desk, an_order("10", symbol=INVERSE))
        stop = an_order("10", symbol=INVERSE, side=Side.SELL, number=1, stop=Decimal(29_000),
                        reduce_only=True)  # fmt: skip
        assert isinstance(await desk.broker.submit(approved(stop), soon()), OrderAccepted)
        found = await desk.broker.look_up(stop.order_id, INVERSE)
        assert isinstance(found, OrderSeen)
        assert found.status is OrderStatus.ACCEPTED
        await desk.broker.cancel(stop.order_id, INVERSE)
        await desk.move(2_000)
        found = await desk.broker.look_up(stop.order_id, INVERSE)
        assert isinstance(found, OrderSeen)
        assert found.status is OrderStatus.CANCELLED

    on_a_desk(work)


def test_the_account_tells_fees_tiers_leverage_and_marks_of_inverse_contracts() -> None:
    async def work(desk: Desk) -> None:
        account = OkxAccount(desk.broker._client)
        fees = await account.fees(INVERSE)
        assert (fees.maker, fees.taker) == (Decimal("0.0002"), Decimal("0.0005"))
        tiers = await account.tiers(INVERSE, "cross")
        assert tiers[0].maintenance_rate == Decimal("0.004")
        await account.set_leverage(INVERSE, "cross", Decimal(4))
        assert await account.leverage(INVERSE, "cross") == 4
        assert await account.mark_price(INVERSE) == 30_000
        await filled(desk, an_order("10", symbol=INVERSE))
        (held,) = await account.positions()
        assert (held.instrument, held.quantity) == (INVERSE, 10)

    on_a_desk(work)


def test_funding_of_inverse_contracts_is_paid_in_coins() -> None:
    """A long pays 0.01 % of what 600 contracts of 100 USD are worth in coins at 30,000."""

    async def work(desk: Desk) -> None:
        await filled(desk, an_order("600", symbol=INVERSE))
        await desk.move(31 * 60_000)
        await desk.until(lambda: bool(desk.of(FundingPaid)))
        paid = desk.of(FundingPaid)[0]
        assert (paid.instrument, paid.currency, paid.quantity) == (INVERSE, "BTC", 600)
        assert paid.amount == Decimal("-0.0002")

    on_a_desk(work, history_bars=60)  # it settles half an hour later


FLIP = """
import numpy as np
from algotrader import Strategy


class Flip(Strategy):
    def targets(self, bars, f):
        return np.where((bars.ts // 60_000) % 4 < 2, 0.5, -0.5)
"""
SETTINGS = """
trading: {{mode: sandbox, url: "http://127.0.0.1:{port}"}}
accounts:
  main: {{currency: BTC, margin: cross}}
strategies:
  flip: {{use: flip.py, symbols: ["OKX:BTC/USD:BTC"], timeframe: 1m}}
"""
DOTENV = """ALGOTRADER_OKX_KEY=sim-key
ALGOTRADER_OKX_SECRET=sim-secret
ALGOTRADER_OKX_PASSPHRASE=sim-pass
"""


def test_the_command_trades_an_inverse_perpetual_on_an_account_in_coins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Long and short in turn; cash in coins and position are the venue's at the end."""

    def said(*arguments: str) -> Any:
        code = main([*arguments, "--json"])
        out, err = capfd.readouterr()
        assert code == 0, out + err
        return json.loads(out)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALGOTRADER_STATE_DIR", str(tmp_path / "state"))
    venue = simulator(
        SystemClock(), names=["BTC-USD-SWAP"], balances={"BTC": Decimal(2)}, bars=10_000,
        speed=60.0, limits=False,
    )  # fmt: skip
    with served(venue) as port:
        (tmp_path / "flip.py").write_text(FLIP)
        (tmp_path / "algotrader.yaml").write_text(SETTINGS.format(port=port))
        (tmp_path / ".env").write_text(DOTENV)
        since = SystemClock().now() - timedelta(hours=4)
        said("data", "download", str(INVERSE), "--timeframe", "1m", "--start",
             f"{since:%Y-%m-%dT%H:%M}", "--base-url", f"http://127.0.0.1:{port}")  # fmt: skip
        told = said("trade", "--for", "8")
        positions = said("positions")
        state = venue.api.desk.exchange.venue
        cash, held = state.wallet.cash["BTC"], list(state.wallet.held.values())

    account = told["accounts"][0]
    assert account["mode"] == "trading"
    assert len(state.records.fills) >= 2
    if account["open_orders"] == 0:
        at_venue = sum((one.quantity for one in held), Decimal(0))
        assert sum(Decimal(one["quantity"]) for one in positions) == at_venue
        assert Decimal(account["cash"]) == pytest.approx(cash, abs=Decimal("1e-9"))
