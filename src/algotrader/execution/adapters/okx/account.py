"""One OKX account: what it holds, pays and may do; and what the venue says of its instruments.

Questions answer with records; BrokerUnavailableError where there is no clear answer. Settings are
changed by `set_leverage` and `use_net_positions` alone; `RefusedError` says why they were not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from algotrader.core.instruments import FeeSchedule, MarginTier
from algotrader.core.money import Currency
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.adapters.okx.names import inst_family, inst_id, inst_type, symbol_of
from algotrader.data.adapters.okx.rest import Answer
from algotrader.execution.adapters.numbers import Row, decimal, integer, needed, reading, text
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.codes import mending
from algotrader.execution.adapters.okx.questions import rows_of
from algotrader.execution.broker import BrokerUnavailableError

NET: Final = "net_mode"
_TRADING: Final = "5"


class RefusedError(Exception):
    """The venue did not change a setting."""

    def __init__(self, what: str, answer: Answer) -> None:
        self.code = answer.row_code
        hint = mending(self.code)
        text = f"{what}: {self.code} {answer.row_message}"
        super().__init__(f"{text}; {hint}" if hint else text)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConfiguration:
    """How an account is set up, and what the key may do."""

    level: str  # 1 spot, 2 futures, 3 multi-currency, 4 portfolio margin
    position_mode: str  # net_mode, long_short_mode
    permissions: frozenset[str]  # read_only, trade, withdraw
    addresses: tuple[str, ...]  # that may use the key; empty: any
    fee_level: str
    uid: str
    borrows: bool = False  # coins are borrowed by themselves where they are missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One currency of the trading account."""

    equity: Decimal  # cash and unrealised profit
    cash: Decimal
    available: Decimal  # for new orders
    frozen: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePosition:
    """A swap position as the venue keeps it."""

    instrument: Symbol
    quantity: Decimal  # signed contracts
    entry: Decimal
    mark: Decimal
    unrealised: Decimal
    margin_mode: str
    leverage: Decimal
    liquidation_price: Decimal | None  # OKX leaves it empty while it is far away
    maintenance_margin: Decimal
    margin: Decimal  # behind an isolated position; 0 of a cross one


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate:
    """A settlement, past or to come."""

    settles_ms: int  # UTC ms
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTier:
    """Positions up to `upper_quantity` contracts (included) keep `maintenance_rate`."""

    upper_quantity: Decimal
    maintenance_rate: Decimal
    initial_rate: Decimal
    max_leverage: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentRules:
    """What the venue takes orders by. It changes while we run (F31, F32)."""

    instrument: Symbol
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    max_limit_quantity: Decimal
    max_market_quantity: Decimal
    contract_value: Decimal  # 1 for spot
    state: str  # live, suspend, preopen, test
    expires_ms: int | None

    @property
    def is_tradable(self) -> bool:
        return self.state == "live"

    @property
    def is_whole(self) -> bool:
        """Whether it says all that orders are made by."""
        return min(self.tick, self.lot, self.min_quantity) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """When the venue is, or will be, down."""

    begin_ms: int
    end_ms: int
    state: str  # scheduled, ongoing, pre_open, completed, canceled
    title: str
    service: str = _TRADING  # 5 trading; bots, blocks, spreads and copies have numbers of their own
    is_of_demo: bool | None = None  # None where it is not said

    def stops_trading(self, *, demo: bool) -> bool:
        """Whether nothing can be traded now, in earnest or in demo trading.

        Of some accounts, products or streams alone it says nothing of ours: OKX answers for itself.
        """
        is_there = self.is_of_demo in (None, demo)
        return self.state == "ongoing" and is_there and self.service in ("", _TRADING)


class OkxAccount:
    """Questions and settings of one account."""

    def __init__(self, client: OkxClient) -> None:
        self._client = client

    async def configuration(self) -> AccountConfiguration:
        return read_configuration((await self._rows("account/config"))[0])

    async def balances(self) -> Mapping[Currency, Balance]:
        """Currencies that the account has; one that is not there is not held."""
        details = balance_details(await self._rows("account/balance"))
        return {Currency(text(one, "ccy")): read_balance(one) for one in details}

    async def positions(self) -> tuple[VenuePosition, ...]:
        """Open swap positions. One that is not reported twice in a row is gone (F38)."""
        rows = await self._rows("account/positions", instType="SWAP")
        with reading("account/positions"):
            read = [read_position(row) for row in rows]
        return tuple(one for one in read if one is not None and one.quantity)

    async def leverage(self, instrument: Symbol, margin_mode: str) -> Decimal:
        rows = await self._rows(
            "account/leverage-info", instId=inst_id(instrument), mgnMode=margin_mode
        )
        return needed(rows[0], "lever")

    async def set_leverage(self, instrument: Symbol, margin_mode: str, leverage: Decimal) -> None:
        """Does not work while stops of the instrument exist: RefusedError says so."""
        body = {"instId": inst_id(instrument), "mgnMode": margin_mode, "lever": f"{leverage:f}"}
        await self._set("account/set-leverage", body)

    async def use_net_positions(self) -> None:
        """One position for each instrument, its sign the direction. Not while any is open."""
        if (await self.configuration()).position_mode != NET:
            await self._set("account/set-position-mode", {"posMode": NET})

    async def fees(self, instrument: Symbol) -> FeeSchedule:
        """The account's own rates."""
        named = (
            {"instId": inst_id(instrument)}
            if instrument.kind is InstrumentKind.SPOT
            else {"instFamily": inst_family(instrument)}
        )
        rows = await self._rows("account/trade-fee", instType=inst_type(instrument), **named)
        return read_fees(rows[0], instrument)

    async def next_funding(self, instrument: Symbol) -> FundingRate:
        row = (await self._rows("public/funding-rate", instId=inst_id(instrument)))[0]
        return FundingRate(
            settles_ms=int(needed(row, "fundingTime")), rate=needed(row, "fundingRate")
        )

    async def funding_history(self, instrument: Symbol, since_ms: int) -> tuple[FundingRate, ...]:
        """Settled rates from a time on, the oldest first; at most a hundred."""
        rows = await self._rows(
            "public/funding-rate-history",
            instId=inst_id(instrument),
            before=str(max(since_ms - 1, 0)),
        )
        return tuple(
            FundingRate(
                settles_ms=int(needed(row, "fundingTime")),
                rate=needed(row, "realizedRate" if row.get("realizedRate") else "fundingRate"),
            )
            for row in reversed(rows)
        )

    async def mark_price(self, instrument: Symbol) -> Decimal:
        rows = await self._rows(
            "public/mark-price", instType=inst_type(instrument), instId=inst_id(instrument)
        )
        return needed(rows[0], "markPx")

    async def tiers(self, instrument: Symbol, margin_mode: str) -> tuple[ContractTier, ...]:
        """Maintenance tiers in contracts, as the venue states them; the smallest first."""
        rows = await self._rows(
            "public/position-tiers", instType=inst_type(instrument), tdMode=margin_mode,
            instFamily=inst_family(instrument),
        )  # fmt: skip
        found = [read_tier(row) for row in rows]
        return tuple(sorted(found, key=lambda tier: tier.upper_quantity))

    async def rules(self, kind: InstrumentKind) -> tuple[InstrumentRules, ...]:
        """Rules of all instruments of a kind."""
        wanted = "SPOT" if kind is InstrumentKind.SPOT else "SWAP"
        rows = await self._rows("public/instruments", instType=wanted)
        with reading("public/instruments"):
            read = [read_rules(row) for row in rows]
        return tuple(rules for rules in read if rules is not None)

    async def maintenance(self) -> tuple[Maintenance, ...]:
        """What the venue has announced or is under way; also while it answers nothing else."""
        return tuple(read_maintenance(row) for row in await self._rows("system/status"))

    async def _rows(self, path: str, **params: str) -> Sequence[Row]:
        rows = rows_of(await self._client.get(path, params), path)
        if not rows and path not in _MAY_BE_EMPTY:
            raise BrokerUnavailableError(f"{path}: an empty answer")
        return rows

    async def _set(self, path: str, body: Mapping[str, str]) -> None:
        answer = await self._client.post(path, body)
        if answer.row_code != "0":
            raise RefusedError(path, answer)


_MAY_BE_EMPTY: Final = frozenset(
    {"account/positions", "system/status", "public/funding-rate-history"}
)


def read_configuration(row: Row) -> AccountConfiguration:
    """A row of `account/config`."""
    addresses = str(row.get("ip") or "")
    return AccountConfiguration(
        level=str(row.get("acctLv", "")),
        position_mode=str(row.get("posMode", "")),
        permissions=frozenset(p for p in str(row.get("perm") or "").split(",") if p),
        addresses=tuple(a.strip() for a in addresses.split(",") if a.strip()),
        fee_level=str(row.get("level", "")),
        uid=str(row.get("uid", "")),
        borrows=row.get(_BORROWING.get(str(row.get("acctLv", "")), "")) in (True, "true"),
    )


# Of the other levels a field says what was once chosen, or OKX's default of `autoLoan`, which is
# true: it does nothing, and nobody can switch it off. Futures mode borrows for no spot order.
_BORROWING: Final = {"1": "enableSpotBorrow", "3": "autoLoan", "4": "autoLoan"}
"""What makes an account borrow by itself, by its level."""


def balance_details(rows: Sequence[Row]) -> list[Row]:
    """Currencies in an answer of `account/balance`. BrokerUnavailableError if it says none of them."""
    details = rows[0].get("details") if rows else None
    if not isinstance(details, list) or not all(isinstance(one, Mapping) for one in details):
        raise BrokerUnavailableError("account/balance: its details cannot be read")
    return details


def read_balance(row: Row) -> Balance:
    """A row of the details of `account/balance`."""
    return Balance(
        equity=needed(row, "eq"),
        cash=needed(row, "cashBal"),
        available=decimal(row, "availEq") if row.get("availEq") else decimal(row, "availBal"),
        frozen=decimal(row, "frozenBal"),
    )


def read_position(row: Row) -> VenuePosition | None:
    """A row of `account/positions`; None for what we do not trade."""
    symbol = symbol_of(text(row, "instId"))
    if symbol is None:
        return None
    return VenuePosition(
        instrument=symbol,
        quantity=needed(row, "pos"),
        entry=decimal(row, "avgPx"),
        mark=decimal(row, "markPx"),
        unrealised=decimal(row, "upl"),
        margin_mode=str(row.get("mgnMode", "")),
        leverage=decimal(row, "lever"),
        liquidation_price=decimal(row, "liqPx") or None,
        maintenance_margin=decimal(row, "mmr"),
        margin=decimal(row, "margin"),
    )


def read_maintenance(row: Row) -> Maintenance:
    """A row of `system/status`."""
    return Maintenance(
        begin_ms=integer(row, "begin"),
        end_ms=integer(row, "end"),
        state=str(row.get("state", "")),
        title=str(row.get("title", "")),
        service=str(row.get("serviceType") or ""),
        is_of_demo={"1": False, "2": True}.get(str(row.get("env", ""))),
    )


def read_fees(row: Row, instrument: Symbol) -> FeeSchedule:
    """A row of `account/trade-fee`: negative is what is paid, and derivatives have fields apart."""
    groups = row.get("feeGroup")
    if isinstance(groups, list) and len(groups) == 1 and isinstance(groups[0], Mapping):
        # Of the one instrument asked for; the fields below are to go, and name no rate of a pair
        # that is quoted in something else than USDT.
        row = {"level": row.get("level", "this account"), **groups[0]}
        return FeeSchedule(
            maker=-needed(row, "maker"), taker=-needed(row, "taker"), source=f"OKX, {row['level']}",
        )  # fmt: skip
    suffix = ""
    if instrument.kind is not InstrumentKind.SPOT and not instrument.is_inverse:
        suffix = "USDC" if instrument.settle == "USDC" else "U"
    maker, taker = f"maker{suffix}", f"taker{suffix}"
    if row.get(maker) in (None, "") or row.get(taker) in (None, ""):
        raise BrokerUnavailableError(f"account/trade-fee: no rates of {instrument}")
    return FeeSchedule(
        maker=-decimal(row, maker),
        taker=-decimal(row, taker),
        source=f"OKX, {row.get('level', 'this account')}",
    )


def read_tier(row: Row) -> ContractTier:
    """A row of `public/position-tiers`."""
    return ContractTier(
        upper_quantity=needed(row, "maxSz"),
        maintenance_rate=needed(row, "mmr"),
        initial_rate=decimal(row, "imr"),
        max_leverage=decimal(row, "maxLever"),
    )


def margin_tiers(
    tiers: Sequence[ContractTier], worth_of_contract: Decimal
) -> tuple[MarginTier, ...]:
    """Tiers by notional, as margin is judged (R23): contracts at what one is worth now."""
    return tuple(
        MarginTier(
            upper_notional=tier.upper_quantity * worth_of_contract,
            maintenance_rate=tier.maintenance_rate,
        )
        for tier in tiers
    )


def read_rules(row: Row) -> InstrumentRules | None:
    """A row of `public/instruments`; None for what we do not trade."""
    symbol = symbol_of(str(row.get("instId", "")))
    if symbol is None:
        return None
    value = decimal(row, "ctVal") * (decimal(row, "ctMult") or Decimal(1))
    return InstrumentRules(
        instrument=symbol,
        tick=decimal(row, "tickSz"),
        lot=decimal(row, "lotSz"),
        min_quantity=decimal(row, "minSz"),
        max_limit_quantity=decimal(row, "maxLmtSz"),
        max_market_quantity=decimal(row, "maxMktSz"),
        contract_value=value or Decimal(1),
        state=str(row.get("state", "")),
        expires_ms=integer(row, "expTime") or None,
    )


def changed_rules(before: InstrumentRules, now: InstrumentRules) -> tuple[str, ...]:
    """Names of the rules that differ. A changed contract value freezes the instrument (F31)."""
    names = ("tick", "lot", "min_quantity", "max_limit_quantity", "max_market_quantity",
             "contract_value", "state", "expires_ms")  # fmt: skip
    return tuple(name for name in names if getattr(before, name) != getattr(now, name))
