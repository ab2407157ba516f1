"""The schema of algotrader.yaml. Every setting has a default, a unit and one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from algotrader.live.settings import (
    NAME,
    AccountSettings,
    Fraction,
    Number,
    Section,
    StrategySettings,
    TimeframeText,
    TradingSettings,
)
from algotrader.ops.api_settings import ApiSettings
from algotrader.ops.collect_settings import CollectSettings
from algotrader.ops.notification.settings import NotificationSettings
from algotrader.ops.observing.settings import LoggingSettings, MetricsSettings
from algotrader.ops.scheduling.settings import JobSettings
from algotrader.risk.kinds import Duration
from algotrader.risk.settings import RiskSettings

Name = Annotated[str, Field(pattern=NAME)]


class WorkspaceSettings(Section):
    """Folders, relative to the one that holds algotrader.yaml."""

    lake: Path = Field(Path("lake"), description="market data: raw, curated, features")
    runs: Path = Field(Path("runs"), description="results of backtests and sweeps, trial ledger")
    strategies: Path = Field(Path("strategies"), description="your strategy files")
    journal: Path = Field(Path("journal"), description="what trading depends on; back it up")
    live: Path = Field(Path("live"), description="newest bars and jobs that ran; may be deleted")
    logs: Path = Field(
        Path("logs"), description="the log and the trader's last figures; may be deleted"
    )


class BacktestDefaults(Section):
    """What a backtest assumes when the command line says nothing else."""

    timeframe: TimeframeText | None = Field(
        None, description="length of the lake's bars: 15m, 1h, 4h, 1d; absent: the only one there"
    )
    cash: Annotated[Number, Field(gt=0)] = Field(
        10_000.0, description="starting cash, in the account's currency"
    )
    fees: str = Field(
        "venue", description="`venue`, `10bps`, or `maker=2bps,taker=5bps`; 0 must be asked for"
    )
    slippage_bps: Annotated[Number, Field(ge=0, lt=10_000)] | None = Field(
        None, description="moves market and stop orders against you (R22); absent: the venue's own"
    )
    participation: Annotated[Fraction, Field(ge=0, le=1)] | None = Field(
        None, description="part of a bar's volume that may be taken (R20); absent: 10 %"
    )
    max_leverage: Annotated[Number, Field(gt=0)] = Field(
        1.0, description="sum of |weights| above this is scaled down (R12)"
    )
    path: Literal["worst", "best", "near-far", "finer"] = Field(
        "worst", description="order of the extremes inside a bar (R17)"
    )
    execution: Literal["market", "capped", "twap", "chase"] | None = Field(
        None,
        description="how a target is executed (R13); twap and chase by the full driver alone; "
        "absent: as the venue needs",
    )
    work_for: Duration = Field(
        600_000, description="of twap and chase: then the rest is taken at the cap"
    )
    slices: int = Field(10, gt=0, le=1_000, description="parts of twap")
    cash_buffer: Annotated[Fraction, Field(ge=0, lt=1)] = Field(
        0.0, description="fraction of equity that sizing leaves alone (R8)"
    )
    allow_gaps: bool = Field(False, description="run on data covered under 99.5 %")
    seed: int = Field(0, ge=0, description="seed of everything random in a run")


class SecretsSettings(Section):
    """Where secrets are that are neither in the environment nor in `.env`. None stands here."""

    file: Path = Field(Path("secrets.enc"), description="the encrypted file of secrets")
    key_file: Path | None = Field(
        None, description="file of mode 600 that holds its passphrase; absent: it is asked for"
    )


class Settings(Section):
    """One file, one schema: an unknown key is an error."""

    workspace: WorkspaceSettings = WorkspaceSettings()
    backtest: BacktestDefaults = BacktestDefaults()
    risk: RiskSettings = RiskSettings()
    trading: TradingSettings = TradingSettings()
    secrets: SecretsSettings = SecretsSettings()
    notification: NotificationSettings = NotificationSettings()
    collect: CollectSettings = CollectSettings()
    logging: LoggingSettings = LoggingSettings()
    metrics: MetricsSettings = MetricsSettings()
    api: ApiSettings = ApiSettings()
    jobs: dict[Name, JobSettings] = Field({}, description="by name: what is done at set times")
    accounts: dict[Name, AccountSettings] = Field({}, description="by name: whose money is traded")
    strategies: dict[Name, StrategySettings] = Field({}, description="by name: what trades")
