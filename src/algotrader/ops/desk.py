"""A desk: what the sections `trading`, `accounts` and `strategies` come to, with its market data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from algotrader.backtest.finer import market_for
from algotrader.backtest.instances import strategy_instance
from algotrader.backtest.kernel_input import traded
from algotrader.backtest.loading import DataRequest, parse_instant
from algotrader.backtest.market import Market
from algotrader.backtest.paper_account import paper_venue
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.accounts import Account, MarginMode
from algotrader.core.bars import Bars
from algotrader.core.errors import ConfigurationError, DataError
from algotrader.core.hashing import content_hash
from algotrader.core.ids import AccountId, RunId, StrategyId
from algotrader.core.instants import utc_at
from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.engine.settings import Algorithm, AlgorithmKind, EngineSettings, StrategyInstance
from algotrader.engine.slices import Slice, slices_of
from algotrader.engine.state import EngineState
from algotrader.execution.paper import PaperVenue
from algotrader.live.quoting import QUOTE_AGE_MS
from algotrader.live.replay import in_order
from algotrader.live.settings import AccountSettings, StrategySettings
from algotrader.live.workers import UNLOADED, LiveStrategy
from algotrader.ops.config import Configuration
from algotrader.ops.strategy_files import made
from algotrader.portfolio.intents import Execution
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.base import Strategy
from algotrader.strategy.decide import first_decision, prepare_all
from algotrader.strategy.history import BarHistory
from algotrader.strategy.loader import load

_DOWNLOAD: Final = "algotrader data download"
_DECIDES_NOTHING: Final = {"notification", "collect", "jobs"}
WATCH_EVERY_MS: Final = 30_000  # between looks at an order that lives on an exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStrategy:
    """One configured strategy, loaded, with the bars of its own instruments."""

    name: StrategyId
    account: AccountId
    settings: StrategySettings
    use: str  # with an absolute path where it is a file
    strategy: Strategy
    source: str  # its code, as it was read at the start
    source_hash: str  # of its code
    bars: Bars  # (T, N)
    instruments: tuple[Instrument, ...]  # of its columns


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskAccount:
    """One account with the markets it trades on: one for each length of bars.

    `market` has its shortest bars. On paper those of all its instruments: they fill its orders.
    """

    name: AccountId
    settings: AccountSettings
    market: Market
    costs: BacktestSettings
    first: int  # row of `market` at which it first decides
    strategies: tuple[DeskStrategy, ...]
    longer: tuple[Market, ...] = ()  # markets of longer bars, of the strategies that decide on them

    @property
    def currency(self) -> Currency:
        return Currency(self.settings.currency)

    @property
    def markets(self) -> tuple[Market, ...]:
        """The shortest bars first."""
        return (self.market, *self.longer)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Everything it trades, in the order of the symbols' text."""
        found = {one.symbol: one for market in self.markets for one in market.instruments}
        return tuple(found[symbol] for symbol in sorted(found))

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(one.symbol for one in self.instruments)

    @property
    def begin_ms(self) -> int:
        """When it first decides, UTC ms."""
        return int(self.market.bars.known_at[self.first])

    def row_after(self, market: Market, after: Mapping[str, int]) -> int:
        """The row of its first decision after what has closed; known times do not fall."""
        bars = market.bars
        closed = after.get(str(bars.timeframe), -1)
        begin = int(np.searchsorted(bars.known_at, self.begin_ms))
        return max(begin, int(np.searchsorted(bars.known_at, closed, side="right")))

    def venue(self) -> PaperVenue:
        """Its paper venue, flat, before the first decision."""
        return paper_venue(self.name, self.market, self.costs, first=self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything a trader is made from, beside its journal."""

    accounts: tuple[DeskAccount, ...]
    configuration: Configuration

    @property
    def strategies(self) -> tuple[DeskStrategy, ...]:
        return tuple(one for account in self.accounts for one in account.strategies)

    @property
    def configuration_hash(self) -> str:
        settings = self.configuration.settings
        return content_hash(settings.model_dump(mode="json", exclude=_DECIDES_NOTHING))

    def risk(self, mode: str | None = None) -> RiskSettings:
        """The limits that the engine holds; on paper without those that need quotes."""
        risk = self.configuration.settings.risk
        is_paper = (mode or self.configuration.settings.trading.mode) == "paper"
        return risk.without_live_only() if is_paper else risk

    def engine_settings(self, run_id: RunId, *, mode: str | None = None) -> EngineSettings:
        """What the engine of a run is told. ConfigurationError if it does not fit together.

        `mode` instead of the one that is configured. A paper venue loses nothing, so orders that live are not looked up; and it quotes nothing,
        so limits on quotes are not held there.
        """
        instruments: dict[Symbol, Instrument] = {}
        for account in self.accounts:
            for instrument in account.instruments:
                instruments[instrument.symbol] = traded(instrument, account.costs)
        trading = self.configuration.settings.trading
        is_paper = (mode or trading.mode) == "paper"
        return EngineSettings(
            run_id=run_id,
            configuration_hash=self.configuration_hash,
            accounts=tuple(_account(one) for one in self.accounts),
            instruments=instruments,
            strategies=tuple(_instance(one, self.accounts) for one in self.strategies),
            risk=self.risk(mode),
            watch_every_ms=None if is_paper else WATCH_EVERY_MS,
            max_quote_age_ms=None if is_paper else QUOTE_AGE_MS,
            freezing=frozenset() if is_paper else frozenset(_spot_of(instruments)),
            cash_wait_ms=None if is_paper else trading.cash_wait,
            guard_within_ms=None if is_paper else trading.stop_within,
            ends_orders=not is_paper,  # no adapter asks its venue to
            exit_unguarded=trading.without_stop == "exit",
        )

    def slices(self, after: Mapping[str, int]) -> Iterator[Slice]:
        """The replay from the first decision on, without what closed by `after` (by time frame)."""
        sources = [
            slices_of(market.bars, first=one.row_after(market, after))
            for one in self.accounts
            for market in one.markets
        ]
        for slice_ in in_order(sources):
            closed = slice_.closed
            if closed.decision_ts > after.get(closed.timeframe, -1):
                yield slice_

    def closed_by(self, state: EngineState) -> dict[str, int]:
        """By time frame: the newest slice that a journal has, UTC ms; empty before the first.

        What is traded in bars of a length that is new begins where the others are (R24).
        """
        closed = {frame: one.decision_ts for frame, one in state.slices.items()}
        if not closed:
            return {}
        frames = {str(m.bars.timeframe) for account in self.accounts for m in account.markets}
        return {**dict.fromkeys(frames, max(closed.values()) - 1), **closed}

    def rows(self) -> int:
        """Rows that a whole replay has, of all accounts together."""
        return sum(
            len(market.bars) - one.row_after(market, {})
            for one in self.accounts
            for market in one.markets
        )

    def begin_ms(self) -> int:
        """When the replay's first decision is made, UTC ms."""
        return min(one.begin_ms for one in self.accounts)

    def ends_of_bars(self) -> dict[str, int]:
        """By time frame: when the last bar became known that every account has, UTC ms."""
        ends: dict[str, int] = {}
        for market in (market for one in self.accounts for market in one.markets):
            frame, end = str(market.bars.timeframe), int(market.bars.known_at[-1])
            ends[frame] = min(end, ends.get(frame, end))
        return ends

    def live_strategies(self, after: Mapping[str, int], stood: EngineState) -> list[LiveStrategy]:
        """Each with the history it had when `after` closed; before the first decision otherwise.

        `stood` knows which have answered before, and what a person set or put away.
        """
        begin, by_hand = self.begin_ms(), stood.inforce.by_hand
        return [
            LiveStrategy(
                strategy=one.name,
                account=one.account,
                use=one.use,
                parameters={**one.settings.parameters, **by_hand.get(one.name, {})},
                instruments=one.instruments,
                history=BarHistory(
                    _known_by(one.bars, after.get(str(one.bars.timeframe), begin - 1))
                ),
                has_decided=one.name in stood.answers,
                stopped=UNLOADED if one.name in stood.inforce.unloaded else None,
                source=one.source,
            )
            for one in self.strategies
        ]


def _spot_of(instruments: Iterable[Symbol]) -> Iterator[Symbol]:
    """Where a resting stop freezes the coins that it would sell."""
    return (symbol for symbol in instruments if symbol.kind is InstrumentKind.SPOT)


def build_desk(configuration: Configuration, *, simulates: bool | None = None) -> Desk:
    """Load strategies and data. ConfigurationError, StrategyError or DataError says what is wrong.

    `simulates`: whether bars fill the orders, which takes the shortest bars of all instruments of an
    account; None: on paper.
    """
    settings = configuration.settings
    if simulates is None:
        simulates = settings.trading.mode == "paper"
    if not settings.strategies:
        raise ConfigurationError(
            "trading.nothing",
            "no strategy is configured: there is nothing to trade",
            hint="add `strategies:` to algotrader.yaml; algotrader init DIR writes an example",
        )
    by_account: dict[str, dict[str, StrategySettings]] = {}
    for name, one in settings.strategies.items():
        by_account.setdefault(one.account, {})[name] = one
    accounts = tuple(
        _desk_account(configuration, name, by_account[name], simulates=simulates)
        for name in sorted(by_account)
    )
    return Desk(accounts=accounts, configuration=configuration)


def _desk_account(
    configuration: Configuration,
    name: str,
    strategies: Mapping[str, StrategySettings],
    *,
    simulates: bool,
) -> DeskAccount:
    own = configuration.settings.accounts.get(name)
    if own is None:
        raise ConfigurationError(
            "trading.account",
            f"strategy {next(iter(strategies))} names account {name}, which is not configured",
            hint=f"add it to algotrader.yaml: accounts: {{{name}: {{cash: 10_000}}}}",
        )
    costs = _costs(configuration, own)
    markets = {
        frame: _market(configuration, costs, symbols, frame)
        for frame, symbols in symbols_by_frame(strategies.values(), simulates=simulates).items()
    }
    for market in markets.values():
        _require_currency(name, own, market)
    loaded = tuple(
        _desk_strategy(
            configuration, AccountId(name), StrategyId(key), strategies[key],
            markets[strategies[key].timeframe],
        )
        for key in sorted(strategies)
    )  # fmt: skip
    shortest, *longer = markets.values()
    return DeskAccount(
        name=AccountId(name),
        settings=own,
        market=shortest,
        costs=costs,
        first=_first_row(shortest, loaded, configuration.settings.trading.start),
        strategies=loaded,
        longer=tuple(longer),
    )


def symbols_by_frame(
    strategies: Iterable[StrategySettings], *, simulates: bool
) -> dict[str, tuple[str, ...]]:
    """Which bars the strategies of one account need, the shortest first.

    `simulates`: bars fill its orders, the shortest ones those of all its instruments.
    """
    found: dict[str, set[str]] = {}
    for one in strategies:
        found.setdefault(one.timeframe, set()).update(one.symbols)
    frames = sorted(found, key=lambda frame: Timeframe.parse(frame).ms)
    if simulates:
        found[frames[0]] = set().union(*found.values())
    return {frame: tuple(sorted(found[frame])) for frame in frames}


def _market(
    configuration: Configuration, costs: BacktestSettings, symbols: tuple[str, ...], frame: str
) -> Market:
    settings = configuration.settings
    request = DataRequest(
        symbols=symbols,
        timeframe=frame,
        end=settings.trading.end,
        allow_gaps=settings.backtest.allow_gaps,
    )
    try:
        return market_for(request, costs, configuration.path(settings.workspace.lake))
    except DataError as error:
        raise _at_its_address(error, settings.trading.url) from error


def _at_its_address(error: DataError, url: str | None) -> DataError:
    """The download that a hint names asks the desk's own venue: bars of OKX beside those of a
    look-alike would be one history of two markets.
    """
    if url is None or error.hint is None or _DOWNLOAD not in error.hint:
        return error
    hint = error.hint.replace(_DOWNLOAD, f"{_DOWNLOAD} --base-url {url}")
    return DataError(error.code, error.message, hint=hint)


def _require_currency(name: str, account: AccountSettings, market: Market) -> None:
    if market.currency != account.currency:  # R26
        raise ConfigurationError(
            "trading.currency",
            f"account {name} has {account.currency}, its instruments settle in {market.currency}",
            hint=f"accounts: {{{name}: {{currency: {market.currency}}}}}",
        )


def _desk_strategy(
    configuration: Configuration,
    account: AccountId,
    name: StrategyId,
    settings: StrategySettings,
    market: Market,
) -> DeskStrategy:
    use = strategy_file(configuration, name)
    loaded = load(use)
    bars = _of_symbols(market.bars, [Symbol.parse(text) for text in settings.symbols])
    known = {instrument.symbol: instrument for instrument in market.instruments}
    return DeskStrategy(
        name=name, account=account, settings=settings, use=use,
        strategy=made(loaded.kind, settings.parameters), source=loaded.source,
        source_hash=loaded.source_hash, bars=bars,
        instruments=tuple(known[symbol] for symbol in bars.symbols),
    )  # fmt: skip


def strategy_file(configuration: Configuration, name: str) -> str:
    """Where a configured strategy is, with an absolute path where it is a file."""
    return _absolute(configuration.settings.strategies[name].use, configuration.folder)


def _absolute(use: str, folder: Path) -> str:
    path, colon, kind = use.partition(".py")
    return f"{(folder / path).resolve()}{colon}{kind}" if colon else use


def _of_symbols(bars: Bars, symbols: list[Symbol]) -> Bars:
    """The panel of some of its instruments, on the rows that one of them has."""
    panel = bars.as_panel()
    if set(symbols) == set(panel.symbols):
        return panel
    singles = [panel.column(panel.symbols.index(symbol)) for symbol in sorted(set(symbols))]
    return Bars.stack([one.take(np.isfinite(one.close)) for one in singles])


def _first_row(market: Market, strategies: tuple[DeskStrategy, ...], start: str | None) -> int:
    """The row at which the first of the strategies decides (R5)."""
    asked = parse_instant(start, "trading.start")
    first: list[int] = []
    for one in strategies:
        bars = one.bars if one.strategy.panel or len(one.bars.symbols) > 1 else one.bars.column(0)
        row = first_decision(one.strategy, bars, prepare_all(one.strategy, bars), asked)
        if row == len(bars):
            last = utc_at(int(bars.ts[-1]))
            raise DataError(
                "trading.no_bars",
                f"strategy {one.name}: no bar at or after trading.start {start}; the last opens "
                f"at {last:%Y-%m-%d %H:%M}",
                hint="give an earlier trading.start, or later data",
            )
        first.append(int(one.bars.known_at[row]))
    found = int(np.searchsorted(market.bars.known_at, min(first)))
    return min(found, len(market.bars) - 1)  # where shorter bars end earlier than longer ones


def _known_by(bars: Bars, at_ms: int) -> Bars:
    return bars.rows(0, int(np.searchsorted(bars.known_at, at_ms, side="right")))


def _costs(configuration: Configuration, account: AccountSettings) -> BacktestSettings:
    """The account's assumptions: those of the section `backtest`, so that the two agree."""
    defaults, risk = configuration.settings.backtest, configuration.settings.risk
    limits = [defaults.max_leverage]
    if risk.account.max_leverage is not None:
        limits.append(float(risk.account.max_leverage))
    weight, notional = risk.instrument.max_weight, risk.instrument.max_notional
    return BacktestSettings(
        cash=account.cash,
        fees=defaults.fees,
        slippage_bps=defaults.slippage_bps,
        participation=defaults.participation,
        max_leverage=min(limits),
        max_weight=None if weight is None else float(weight),
        max_notional=None if notional is None else float(notional),
        margin_mode="isolated" if account.margin == "isolated" else "cross",
        path=defaults.path,
        cash_buffer=defaults.cash_buffer,
        seed=defaults.seed,
    )


def _account(one: DeskAccount) -> Account:
    return Account(
        account_id=one.name,
        venue=one.symbols[0].venue,
        currency=one.currency,
        margin_mode=MarginMode(one.settings.margin),
        adopts=one.settings.by_hand == "adopt",
        instruments=one.symbols,
        strategies=tuple(strategy.name for strategy in one.strategies),
    )


def _instance(one: DeskStrategy, accounts: tuple[DeskAccount, ...]) -> StrategyInstance:
    costs = next(account.costs for account in accounts if account.name == one.account)
    instance = strategy_instance(
        one.strategy, one.name, one.account, one.bars, costs, cash_share=one.settings.share,
        algorithm=_algorithm(one.settings),
    )  # fmt: skip
    if one.settings.execution is None:
        return instance
    plain = one.settings.execution == "market"
    return replace(instance, execution=Execution.MARKET if plain else Execution.CAPPED)


def _algorithm(settings: StrategySettings) -> Algorithm | None:
    """The execution algorithm of a strategy, None where its orders go out at once."""
    if settings.execution not in ("twap", "chase"):
        return None
    return Algorithm(
        kind=AlgorithmKind(settings.execution), over_ms=settings.work_for, slices=settings.slices,
        every_ms=settings.chase_every,
    )  # fmt: skip


def deposit_of(account: DeskAccount) -> Decimal:
    """What a paper account begins with."""
    return Decimal(repr(account.settings.cash))
