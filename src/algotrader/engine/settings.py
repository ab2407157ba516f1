"""What an engine runs: accounts, instruments, strategies and how patient it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from algotrader.core.accounts import Account
from algotrader.core.errors import ConfigurationError
from algotrader.core.ids import AccountId, RunId, StrategyId
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Protection
from algotrader.core.rebalancing import RebalanceKind
from algotrader.core.symbols import Symbol
from algotrader.portfolio.intents import Execution
from algotrader.portfolio.sizing import SizingRules
from algotrader.risk.settings import RiskSettings


class AlgorithmKind(StrEnum):
    """How what a target adds is worked over time."""

    TWAP = "twap"  # in equal parts
    CHASE = "chase"  # resting at the best price of our side, moved with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """An execution algorithm with its bound in time; the bound in price is the cap (R13)."""

    kind: AlgorithmKind
    over_ms: int  # then what is left is taken at the cap, or waits for the next bar
    slices: int = 10  # of TWAP
    every_ms: int = 5_000  # between looks at the best price, of a chase

    def __post_init__(self) -> None:
        if not (self.over_ms > 0 and self.every_ms > 0 and 0 < self.slices <= self.over_ms):
            raise ConfigurationError(
                "engine.algorithm", f"{self.kind} over {self.over_ms} ms in {self.slices} slices",
                hint="give a length of time above 0, and at least one slice",
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyInstance:
    """One configured strategy on one account."""

    strategy: StrategyId
    account: AccountId
    instruments: tuple[Symbol, ...]
    timeframe: str  # the bars it decides on
    by_bar: bool = False  # decides bar by bar, with orders of its own (R36)
    panel: bool = False  # sees the cross-section; else each instrument gets an equal share (R2)
    rebalance: RebalanceKind = RebalanceKind.ON_CHANGE
    sizing: SizingRules = field(default_factory=SizingRules)
    execution: Execution | None = None  # None: capped where the venue never closes (R13)
    algorithm: Algorithm | None = None  # of increases under capped execution; None: at once
    cap_bps: float = 50.0  # of the close, for capped execution (R13)
    cash_share: float = 1.0  # of the account's deposits
    protection: Protection | None = None  # of its positions (R19)
    reenter_after: int | None = None  # bars after a protective exit; None: when the target leaves

    @property
    def share(self) -> float:
        """Fraction of the strategy's equity that a weight of one instrument is of (R2)."""
        return 1.0 if self.panel else 1.0 / len(self.instruments)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Everything that decides beside the events themselves. ConfigurationError if inconsistent."""

    run_id: RunId
    configuration_hash: str
    accounts: tuple[Account, ...]
    instruments: Mapping[Symbol, Instrument]
    strategies: tuple[StrategyInstance, ...]
    risk: RiskSettings = field(default_factory=RiskSettings)
    order_deadline_ms: int = 5_000  # the venue must refuse an order that arrives later
    skew_ms: int = 2_000  # of the venue's clock; absence counts only after deadline + this
    look_up_every_ms: int = 1_000  # while an order's state is in doubt
    watch_every_ms: int | None = 30_000  # while it lives: pushes may be lost; None: they cannot be
    tries: int = 3  # of a capped order inside one bar (R13)
    try_again_ms: int = 2_000  # after the one before left a rest
    cash_wait_ms: int | None = None  # increases wait so long for reductions (R11); None: not at all
    freezing: frozenset[Symbol] = frozenset()  # a stop freezes the coins: one order, none beside
    guard_within_ms: int | None = (
        None  # longer without a live stop is left (R19); None: not watched
    )
    exit_unguarded: bool = True  # what has no stop for so long is sold; else a person is told
    ends_orders: bool = False  # DAY and GTD are ended by us: the venue ends no order (R21)
    max_quote_age_ms: int | None = (
        None  # best prices older than this price nothing (F20); None: there are none
    )

    def __post_init__(self) -> None:
        known = {account.account_id for account in self.accounts}
        owners: dict[tuple[AccountId, Symbol], StrategyId] = {}
        for instance in self.strategies:
            if instance.account not in known:
                raise ConfigurationError(
                    "engine.account",
                    f"strategy {instance.strategy} names account {instance.account}, "
                    "which is not configured",
                    hint=f"accounts are: {', '.join(sorted(known))}",
                )
            for symbol in instance.instruments:
                owner = owners.setdefault((instance.account, symbol), instance.strategy)
                if owner != instance.strategy:
                    raise ConfigurationError(  # R27
                        "engine.claimed",
                        f"{symbol} on account {instance.account} belongs to strategy {owner}; "
                        f"{instance.strategy} cannot trade it too",
                        hint="give one of them another account",
                    )

        for instance in self.strategies:
            self._require_one_stop(instance)

    def _require_one_stop(self, instance: StrategyInstance) -> None:
        """Where a stop freezes the coins a trail cannot rest beside a stop or a target."""
        guards = instance.protection
        frozen = sorted(self.freezing.intersection(instance.instruments))
        if frozen and guards is not None and guards.is_trail_beside_others:
            raise ConfigurationError(
                "engine.one_stop",
                f"strategy {instance.strategy} wants a trailing stop and another on {frozen[0]}: "
                "the venue freezes the coins for one",
                hint="declare trailing alone, or stop_loss and take_profit, or trade the perpetual",
            )

    def execution(self, instance: StrategyInstance, symbol: Symbol) -> Execution:
        """How a target of an instrument is worked (R13)."""
        if instance.execution is not None:
            return instance.execution
        never_closes = self.instruments[symbol].calendar == "24/7"
        return Execution.CAPPED if never_closes else Execution.MARKET

    def instance(self, strategy: StrategyId) -> StrategyInstance:
        """KeyError if there is none of that name."""
        for instance in self.strategies:
            if instance.strategy == strategy:
                return instance
        raise KeyError(strategy)


def owners_of(settings: EngineSettings, account: AccountId) -> dict[Symbol, StrategyId]:
    """Which strategy trades each instrument of an account (R27)."""
    return {
        symbol: instance.strategy
        for instance in settings.strategies
        if instance.account == account
        for symbol in instance.instruments
    }
