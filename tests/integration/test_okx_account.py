"""Questions and settings of an account on a simulated exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_orders import BTC, KEYS, SWAP, Desk, a_desk, an_order, approved, soon

from algotrader.core.errors import ConfigurationError
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Side
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.execution.adapters.okx.account import NET, OkxAccount, RefusedError
from algotrader.execution.adapters.okx.client import OkxClient, OkxKeys
from algotrader.execution.adapters.okx.examination import AccountCheck, examine_okx
from algotrader.execution.broker import BrokerUnavailableError
from algotrader.live.settings import TradingSettings
from algotrader.ops.okx_admission import admitted
from algotrader.simulator.okx.faults import FaultKind

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
INVERSE = Symbol.parse("OKX:BTC/USD:BTC")


def on_an_account(work: Callable[[Desk, OkxAccount], Awaitable[None]], **venue: Any) -> None:
    async def run() -> None:
        async with a_desk(listens=False, **venue) as desk:
            await work(desk, OkxAccount(desk.broker._client))

    asyncio.run(run())


def now_ms() -> int:
    return utc_ms(SystemClock().now())


async def unfit(desk: Desk, keys: OkxKeys = KEYS) -> list[AccountCheck]:
    client = OkxClient(keys, base_url=desk.broker._client.address.base_url)
    venue_ms = int(desk.server.simulator.api.desk.exchange.venue.now)
    try:
        checks = await examine_okx(client, lambda: venue_ms, trades_swaps=True)
    finally:
        await client.close()
    return [one for one in checks if not one.is_fine]


def test_balances_positions_and_their_margin_are_told() -> None:
    async def work(desk: Desk, account: OkxAccount) -> None:
        assert await account.positions() == ()
        await desk.broker.submit(approved(an_order("10", symbol=SWAP, side=Side.SELL)), soon())
        (held,) = await account.positions()
        assert (held.instrument, held.quantity, held.entry) == (
            SWAP,
            -10,
            held.mark - held.mark + held.entry,
        )
        assert held.margin_mode == "cross"
        assert held.maintenance_margin > 0
        balances = await account.balances()
        assert set(balances) == {"USDT", "BTC", "ETH", "LTC"}
        assert balances["BTC"].available == 10

    on_an_account(work)


def test_leverage_is_read_and_set_and_refused_while_stops_exist() -> None:
    async def work(desk: Desk, account: OkxAccount) -> None:
        await account.set_leverage(SWAP, "cross", Decimal(5))
        assert await account.leverage(SWAP, "cross") == 5
        await desk.broker.submit(approved(an_order("10", symbol=SWAP)), soon())
        stop = an_order("10", symbol=SWAP, side=Side.SELL, number=1, stop=Decimal(29_000),
                        reduce_only=True)  # fmt: skip
        await desk.broker.submit(approved(stop), soon())
        with pytest.raises(RefusedError, match="59668"):
            await account.set_leverage(SWAP, "cross", Decimal(7))

    on_an_account(work)


def test_positions_are_made_one_way_unless_something_is_open() -> None:
    async def work(desk: Desk, account: OkxAccount) -> None:
        await account._set("account/set-position-mode", {"posMode": "long_short_mode"})
        assert [one.subject for one in await unfit(desk)] == ["position mode"]
        await account.use_net_positions()
        assert (await account.configuration()).position_mode == NET
        await account.use_net_positions()
        await desk.broker.submit(approved(an_order("10", symbol=SWAP)), soon())
        with pytest.raises(RefusedError, match="59000"):
            await account._set("account/set-position-mode", {"posMode": "long_short_mode"})

    on_an_account(work)


@pytest.mark.parametrize(
    ("level", "is_hedged", "subject"),
    [("2", True, "position mode"), ("1", False, "account mode"), ("3", False, "account mode")],
)
def test_promise_26_a_start_with_swaps_refuses_an_account_in_another_mode(
    tmp_path: Path, level: str, is_hedged: bool, subject: str
) -> None:
    async def work(desk: Desk, account: OkxAccount) -> None:
        venue = desk.server.simulator.api.desk
        venue.level, venue.venue.wallet.is_hedged = level, is_hedged
        client = desk.broker._client
        trading = TradingSettings(mode="sandbox", url=client.address.base_url)
        with pytest.raises(ConfigurationError, match=subject) as refused:
            async with admitted(
                client, SystemClock(), (SWAP,), trading, state=tmp_path, journal=tmp_path
            ):
                raise AssertionError("it was admitted")
        assert refused.value.code == "trading.account_not_ready"
        assert refused.value.hint
        venue.level, venue.venue.wallet.is_hedged = "2", False
        async with admitted(
            client, SystemClock(), (SWAP,), trading, state=tmp_path, journal=tmp_path
        ):
            pass

    on_an_account(work)


def test_fees_funding_marks_tiers_and_rules_are_told() -> None:
    async def work(desk: Desk, account: OkxAccount) -> None:
        spot, swap = await account.fees(BTC), await account.fees(SWAP)
        assert (spot.maker, spot.taker) == (Decimal("0.0008"), Decimal("0.001"))
        assert (swap.maker, swap.taker) == (Decimal("0.0002"), Decimal("0.0005"))
        coming = await account.next_funding(SWAP)
        assert coming.rate == Decimal("0.0001")
        past = await account.funding_history(SWAP, 0)
        assert past
        assert all(one.rate == Decimal("0.0001") for one in past)
        assert coming.settles_ms > past[-1].settles_ms
        assert await account.mark_price(SWAP) == 30_000
        tiers = await account.tiers(SWAP, "cross")
        assert [tier.maintenance_rate for tier in tiers] == sorted(
            tier.maintenance_rate for tier in tiers
        )
        rules = {one.instrument: one for one in await account.rules(InstrumentKind.PERPETUAL)}
        assert rules[SWAP].contract_value == Decimal("0.01")
        assert rules[INVERSE].contract_value == 100
        desk.fault(FaultKind.SUSPEND, instrument="BTC-USDT-SWAP")
        desk.server.simulator.advance(desk.server.now_ms())
        rules = {one.instrument: one for one in await account.rules(InstrumentKind.PERPETUAL)}
        assert not rules[SWAP].is_tradable

    on_an_account(work)


def test_maintenance_is_told_while_nothing_else_answers() -> None:
    async def work(desk: Desk, account: OkxAccount) -> None:
        assert await account.maintenance() == ()
        desk.fault(FaultKind.MAINTENANCE, where="* account/*", for_s=600.0)
        desk.fault(FaultKind.MAINTENANCE, where="* trade/*", for_s=600.0)
        (planned,) = await account.maintenance()
        assert planned.state == "ongoing"
        assert planned.end_ms > planned.begin_ms
        with pytest.raises(BrokerUnavailableError, match="50001"):
            await account.balances()

    on_an_account(work, limits=False)


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.EMPTY_LIST, FaultKind.NULL_DATA])
def test_f37_an_answer_without_a_row_is_no_answer(kind: FaultKind) -> None:
    async def work(desk: Desk, account: OkxAccount) -> None:
        desk.fault(kind, where="GET account/*")
        with pytest.raises(BrokerUnavailableError):
            await account.balances()
        with pytest.raises(BrokerUnavailableError):
            await account.configuration()

    on_an_account(work)


def test_doctor_finds_a_fit_account_fine_and_says_what_a_wrong_key_lacks() -> None:
    async def work(desk: Desk, _: OkxAccount) -> None:
        assert await unfit(desk) == []
        wrong = {
            "50111": OkxKeys(key="other", secret="sim-secret", passphrase="sim-pass"),
            "50105": OkxKeys(key="sim-key", secret="sim-secret", passphrase="other"),
            "50113": OkxKeys(key="sim-key", secret="other", passphrase="sim-pass"),
        }
        for code, keys in wrong.items():
            (check,) = await unfit(desk, keys)
            assert check.subject == "key"
            assert check.says.startswith(code)
            assert check.mend
            assert "other" not in repr(check)
        desk.fault(FaultKind.CLOCK_SKEW, offset_ms=45_000)
        (clock,) = await unfit(desk)
        assert clock.subject == "clock"

    on_an_account(work, limits=False)


def test_doctor_refuses_a_key_that_may_withdraw_and_one_that_may_not_trade() -> None:
    async def work(desk: Desk, _: OkxAccount) -> None:
        from dataclasses import replace

        served = desk.server.simulator.api.desk
        for permissions, subject in (
            ("read_only,trade,withdraw", "withdrawal"), ("read_only", "permissions"),
        ):  # fmt: skip
            served.credentials = replace(served.credentials, permissions=permissions)
            assert [one.subject for one in await unfit(desk)] == [subject]

    on_an_account(work)


def test_doctor_says_that_nothing_answers() -> None:
    async def work(desk: Desk, _: OkxAccount) -> None:
        desk.fault(FaultKind.HTML, where="*")
        (check,) = await unfit(desk)
        assert check.subject == "connection"

    on_an_account(work)
