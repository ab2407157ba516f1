"""Report data that looks like a real run: seeded, every column consistent with the others."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.attribution import attribution
from algotrader.backtest.report.model import (
    Assumption,
    ChartFeature,
    ComparedRun,
    CompareReportData,
    CostFacts,
    Coverage,
    CoverageMonth,
    EquitySeries,
    Fold,
    Identity,
    LookAhead,
    Notice,
    Overfitting,
    PathGuess,
    PriceSeries,
    Provenance,
    ReportData,
    SweepReportData,
    VerdictKind,
    VerdictReason,
    WalkForwardReportData,
)
from algotrader.backtest.returns import EquityCurve, daily_returns, monthly_returns
from algotrader.backtest.summary import Activity, buy_and_hold, summary
from algotrader.backtest.trades import TradeTable, no_trades
from algotrader.backtest.waterfall import Costs, waterfall
from algotrader.execution.simulation import FillReason

HOUR = 3_600_000
START = 1_712_707_200_000  # 2024-04-10 00:00 UTC
SYMBOL = "OKX:BTC/USDT:USDT"
CAPITAL = 100_000.0
Floats = NDArray[np.float64]


@lru_cache
def a_run(
    *,
    bars: int = 4_386,
    hours: int = 4,
    seed: int = 3,
    strategy: str = "TrendFollow",
    holding: int = 9,
    funding: bool = True,
    costs: CostFacts | None = None,
    generated: bool = False,
) -> ReportData:
    """Long and short trades on a seeded price; profit, costs and equity agree to the cent."""
    price = _price(bars, hours, seed)
    trades = _trades(price, seed, holding, funding)
    equity, exposure = _books(price, trades)
    paid = Costs(
        fees=float(trades.fees.sum()),
        slippage=float(trades.slippage.sum()),
        funding=float(trades.funding.sum()),
    )
    curve = EquityCurve(ts=price.ts, equity=equity, initial=CAPITAL, timeframe_ms=hours * HOUR)
    held = buy_and_hold(curve, price.close[:, None])
    figures = summary(
        curve,
        trades,
        periods_per_year=365,
        costs=paid,
        activity=Activity(
            gross=np.abs(exposure) * equity,
            held=exposure != 0.0,
            traded_notional=float(2 * (trades.quantity * trades.entry_price).sum()),
        ),
        benchmark=held,
    )
    net = float(equity[-1] - CAPITAL)
    peak = np.maximum(np.maximum.accumulate(equity), CAPITAL)
    return ReportData(
        identity=Identity(
            strategy=strategy,
            symbols=(SYMBOL,),
            timeframe=f"{hours}h",
            start=int(price.ts[0]),
            end=int(price.ts[-1]),
            currency="USDT",
            capital=CAPITAL,
            parameters={"fast": 8, "slow": 84, "stop": 0.015, "target": 0.025},
            run="7f3a19c2",
            generated=generated,
        ),
        metrics=figures.values,
        reasons={name: str(reason) for name, reason in figures.undefined.items()},
        overfitting=overfitting(float(figures.values["sharpe"] or 0.0), seed),
        equity=EquitySeries(
            ts=price.ts,
            equity=equity,
            drawdown=equity / peak - 1.0,
            benchmark=held.equity,
            exposure=exposure,
        ),
        prices=(price,),
        trades=trades,
        months=monthly_returns(daily_returns(curve)),
        waterfall=waterfall(net, paid),
        attribution=attribution(trades, net_profit=net, costs=paid),
        costs=costs or CostFacts(paid_bps=7.1, break_even_bps=12.6),
        coverage=coverage(bars, hours),
        path=PathGuess(
            trades=int(trades.ambiguous.sum()),
            of=len(trades),
            worst_profit=net,
            best_profit=net + 10_503.0,
            finer_profit=net + 2_456.0,
            finer_timeframe="15m",
        ),
        look_ahead=LookAhead(prefixes=64),
        assumptions=ASSUMPTIONS,
        warnings=(
            Notice(
                code="costs_share",
                en="Costs take 56 % of the gross profit.",
                zh="成本占毛利的 56%。",
            ),
            Notice(
                code="drawdown_limit",
                en="Drawdown passed your limit of 15 % twice, first on 2024-08-20.",
                zh="回撤两次超过 15% 的风控上限，首次在 2024-08-20。",
            ),
        ),
        provenance=PROVENANCE,
    )


ASSUMPTIONS = (
    Assumption(
        key="fees",
        en="maker 2.0 bps, taker 5.0 bps (OKX, tier 0)",
        zh="挂单 2.0 bps，吃单 5.0 bps（OKX，0 级）",
    ),
    Assumption(key="slippage", en="fixed 2.0 bps a side", zh="固定，单边 2.0 bps"),
    Assumption(
        key="fill",
        en="market orders at the next bar's open; at most 10 % of its volume",
        zh="市价单于下一根 K 线开盘成交；不超过其成交量 10%",
    ),
    Assumption(key="path", en="worst: the stop first", zh="最差：先触止损"),
    Assumption(
        key="margin", en="cross, up to 1.50×; no liquidation", zh="全仓，最高 1.50×；无强平"
    ),
)

PROVENANCE = Provenance(
    run="7f3a19c2",
    version="0.1.0",
    seed=0,
    data_hash="sha256 9c41d7f0a2b3e07b",
    data_source="OKX candles, 4h",
    data_licence="venue terms",
    code_hash="TrendFollow 5d20f1aa41aa",
    parameters_hash="b1946ac9",
    created_at=START + 900 * 24 * HOUR,
    versions={"kernel": "0.1.0", "numpy": "2.2.0", "python": "3.11.7"},
)


def _price(bars: int, hours: int, seed: int) -> PriceSeries:
    rng = np.random.default_rng(seed)
    calm = np.where(np.sin(np.arange(bars) / 300) > 0, 0.006, 0.010)
    moves = rng.standard_t(4, bars) * calm * np.sqrt(hours / 4) / 1.4 + 0.00002
    close = np.round(69_000 * np.exp(np.cumsum(moves)), 1)
    open_ = np.concatenate([[69_000.0], close[:-1]])
    reach = np.abs(rng.normal(0, 0.004 * np.sqrt(hours / 4), (2, bars)))
    high = np.round(np.maximum(open_, close) * (1 + reach[0]), 1)
    low = np.round(np.minimum(open_, close) * (1 - reach[1]), 1)
    return PriceSeries(
        symbol=SYMBOL,
        ts=START + np.arange(bars, dtype=np.int64) * hours * HOUR,
        open=open_,
        high=high,
        low=low,
        close=close,
        features=(
            ChartFeature(name="EMA 8", values=_average(close, 8)),
            ChartFeature(name="EMA 84", values=_average(close, 84)),
        ),
        tick=0.1,
        lot=0.01,
    )


def _average(close: Floats, window: int) -> Floats:
    kernel = np.ones(window) / window
    return np.concatenate([np.full(window - 1, np.nan), np.convolve(close, kernel, "valid")])


def _trades(price: PriceSeries, seed: int, holding: int, funding: bool) -> TradeTable:
    rng = np.random.default_rng(seed + 1)
    entries, exits, at = [], [], 85
    while at < len(price.ts) - 3 * holding - 6:
        entries.append(at)
        exits.append(at + 1 + int(rng.geometric(1 / holding)))
        at = exits[-1] + int(rng.integers(0, 3))
    a = np.array(entries)
    b = np.minimum(np.array(exits), len(price.ts) - 1)
    assert price.open is not None
    move = price.open[b] / price.open[a] - 1
    luck = rng.random(len(a)) < 0.565
    side = np.where(luck == (move > 0), 1, -1).astype(np.int8)
    entry, exit_ = price.open[a], price.open[b]
    quantity = np.round(90_000 / entry, 2)
    fees = 0.0005 * quantity * (entry + exit_)
    slippage = 0.0002 * quantity * (entry + exit_)
    paid = rng.normal(-0.0001, 0.0003, len(a)) * quantity * entry if funding else np.zeros(len(a))
    profit = side * quantity * (exit_ - entry) - fees - slippage + paid
    reasons = rng.choice([FillReason.TARGET, FillReason.STOP_LOSS, FillReason.TAKE_PROFIT], len(a))
    return TradeTable(
        symbols=(SYMBOL,),
        instrument=np.zeros(len(a), dtype=np.int64),
        entry_ts=price.ts[a],
        exit_ts=price.ts[b],
        side=side,
        quantity=quantity,
        entry_price=entry,
        exit_price=exit_,
        fees=fees,
        funding=paid,
        slippage=slippage,
        profit=profit,
        return_=profit / (quantity * entry),
        mae=-np.abs(rng.normal(0.008, 0.006, len(a))),
        mfe=np.abs(rng.normal(0.011, 0.009, len(a))),
        bars=b - a,
        exit_reason=reasons.astype(np.int8),
        ambiguous=rng.random(len(a)) < 0.065,
        is_open=np.zeros(len(a), dtype=np.bool_),
    )


def _books(price: PriceSeries, trades: TradeTable) -> tuple[Floats, Floats]:
    """Equity marked to every close, and signed exposure."""
    booked = np.zeros(len(price.ts))
    floating, notional = np.zeros(len(price.ts)), np.zeros(len(price.ts))
    for row in trades:
        a, b = np.searchsorted(price.ts, [row.entry_ts, row.exit_ts])
        booked[b:] += row.profit
        held = price.close[a:b]
        floating[a:b] += row.side * row.quantity * (held - row.entry_price) - row.fees / 2
        notional[a:b] += row.side * row.quantity * held
    equity = CAPITAL + booked + floating
    return equity, notional / equity


def overfitting(sharpe: float, seed: int = 7, trials: int = 120) -> Overfitting:
    rng = np.random.default_rng(seed + 2)
    return Overfitting(
        kind=VerdictKind.NO_EVIDENCE_YET,
        trials=trials,
        sharpe=sharpe,
        sharpe_interval=(sharpe - 1.0, sharpe + 1.02),
        luck_sharpe=sharpe + 0.14,
        trial_sharpes=np.append(
            np.minimum(rng.normal(sharpe - 1.05, 0.38, trials - 1), sharpe), sharpe
        ),
        deflated_sharpe=0.42,
        pbo=0.44,
        pbo_splits=252,
        probabilistic_sharpe=0.90,
        min_track_record_days=1244.0,
        ledger_since="2026-11-02",
        reasons=(
            VerdictReason(
                en="The deflated Sharpe ratio is 0.42 after so many trials; 0.95 is needed.",
                zh="试验次数如此之多，紧缩夏普为 0.42，应达 0.95。",
                holds=False,
            ),
            VerdictReason(
                en="The neighbours of the chosen set earn nearly as much.",
                zh="相邻参数组的收益与所选参数相近。",
                holds=True,
            ),
        ),
    )


def coverage(bars: int, hours: int) -> tuple[Coverage, ...]:
    count = max(2, round(bars * hours / 24 / 30.44) + 1)
    first = np.datetime64("2024-04")
    months = [str(first + np.timedelta64(i, "M")) for i in range(count)]
    missing = {months[min(4, count - 1)]: 0.994, months[min(18, count - 1)]: 0.996}
    return (
        Coverage(
            kind="bars",
            ratio=0.9994,
            rows=bars,
            missing=2,
            months=tuple(CoverageMonth(month=m, ratio=missing.get(m, 1.0)) for m in months),
        ),
        Coverage(
            kind="funding",
            ratio=0.774,
            rows=bars // 2,
            months=tuple(
                CoverageMonth(month=m, ratio=1.0 if m <= months[count * 3 // 4] else None)
                for m in months
            ),
            assumed_rate=0.0001,
            assumed_since=START + 565 * 24 * HOUR,
        ),
    )


def a_sweep(seed: int = 7) -> SweepReportData:
    """A grid of 12 × 10 × 3 sets with a plateau, two of them failed."""
    rng = np.random.default_rng(seed)
    fast, slow, stop = np.meshgrid(
        np.arange(4, 52, 4), np.arange(40, 240, 20), [0.01, 0.015, 0.02], indexing="ij"
    )
    x, y, z = fast.ravel().astype(float), slow.ravel().astype(float), stop.ravel()
    sharpe = (
        0.9 * np.exp(-(((x - 20) / 14) ** 2) - ((y - 140) / 60) ** 2)
        - 0.25
        + rng.normal(0, 0.13, x.size)
    )
    sharpe[[17, 230]] = np.nan
    chosen = int(np.nanargmax(sharpe))
    base = a_run(bars=1_000, seed=seed)
    return SweepReportData(
        identity=replace(base.identity, run="5be0c1d4", parameters={}),
        overfitting=replace(
            overfitting(float(sharpe[chosen]), trials=360),
            trial_sharpes=sharpe[~np.isnan(sharpe)],
            neighbours_mean_sharpe=0.51,
            effective_trials=41.3,
        ),
        parameters={"fast": x, "slow": y, "stop": z},
        metrics={
            "sharpe": sharpe,
            "total_return": sharpe * 0.4 + rng.normal(0, 0.02, x.size),
            "max_drawdown": -0.2 - 0.1 * rng.random(x.size),
            "trades": np.where(np.isnan(sharpe), np.nan, rng.integers(80, 600, x.size)),
        },
        chosen=chosen,
        failures={17: "TrendFollow raised at bar 5,000: division by zero"},
        assumptions=ASSUMPTIONS,
        costs=base.costs,
        coverage=base.coverage,
        provenance=replace(PROVENANCE, run="5be0c1d4"),
    )


def a_walk_forward(seed: int = 7, steps: int = 8) -> WalkForwardReportData:
    base = a_run(seed=seed)
    rng = np.random.default_rng(seed + 3)
    day = 24 * HOUR
    width = (base.identity.end - base.identity.start) // (steps + 3)
    folds = tuple(
        Fold(
            train_start=base.identity.start + i * width,
            train_end=base.identity.start + (i + 3) * width - day,
            test_start=base.identity.start + (i + 3) * width,
            test_end=base.identity.start + (i + 4) * width,
            parameters={
                "fast": int(rng.integers(1, 12)) * 4,
                "slow": int(rng.integers(2, 12)) * 20,
            },
            train_return=float(rng.normal(0.12, 0.04)),
            train_sharpe=float(rng.normal(1.4, 0.3)),
            test_return=float(rng.normal(0.02, 0.06)),
            test_sharpe=float(rng.normal(0.5, 0.9)),
            test_trades=int(rng.integers(20, 60)),
        )
        for i in range(steps)
    )
    return WalkForwardReportData(
        identity=replace(base.identity, run="c07d55e1"),
        overfitting=base.overfitting,
        folds=folds,
        equity=base.equity,
        in_sample=base.equity.equity * np.linspace(1, 1.4, len(base.equity.ts)),
        efficiency=0.38,
        metrics=base.metrics,
        months=base.months,
        assumptions=ASSUMPTIONS,
        costs=base.costs,
        coverage=base.coverage,
        provenance=replace(PROVENANCE, run="c07d55e1"),
    )


def a_comparison(runs: int = 3) -> CompareReportData:
    compared = []
    for i in range(runs):
        base = a_run(seed=7 + i, bars=4_386 - 200 * i)
        fees = replace(
            ASSUMPTIONS[0], en=f"taker {5 + (i == 2)} bps", zh=f"吃单 {5 + (i == 2)} bps"
        )
        compared.append(
            ComparedRun(
                identity=replace(base.identity, run=f"{i}f3a19c2", strategy=f"Trend {i + 1}"),
                verdict=VerdictKind.NO_EVIDENCE_YET,
                metrics=base.metrics,
                assumptions=(fees, *ASSUMPTIONS[1:]),
                ts=base.equity.ts,
                equity=base.equity.equity,
                coverage=0.9994,
            )
        )
    return CompareReportData(runs=tuple(compared), version="0.1.0")


@lru_cache
def a_run_without_trades() -> ReportData:
    """Nothing was ever bought: flat equity, no figures that need trades."""
    base = a_run(bars=300)
    flat = np.full(300, CAPITAL)
    curve = EquityCurve(ts=base.equity.ts, equity=flat, initial=CAPITAL, timeframe_ms=4 * HOUR)
    none = no_trades((SYMBOL,))
    figures = summary(curve, none, periods_per_year=365, costs=Costs())
    return replace(
        base,
        metrics=figures.values,
        reasons={name: str(reason) for name, reason in figures.undefined.items()},
        overfitting=Overfitting(kind=VerdictKind.NOT_JUDGED),
        equity=EquitySeries(ts=base.equity.ts, equity=flat, drawdown=np.zeros(300)),
        trades=none,
        months=monthly_returns(daily_returns(curve)),
        waterfall=waterfall(0.0, Costs()),
        attribution=attribution(none, net_profit=0.0, costs=Costs()),
        costs=CostFacts(paid_bps=None),
        path=PathGuess(trades=0, of=0),
        warnings=(
            Notice(
                code="no_trades",
                en="0 trades: every order was below the venue's minimum notional of 5 USDT.",
                zh="0 笔交易：所有委托都低于交易所最小名义金额 5 USDT。",
            ),
        ),
    )


@lru_cache
def a_portfolio(names: int = 20, days: int = 2_520) -> ReportData:
    """Closes alone of twenty names, some trades in each, no intrabar path (R38)."""
    base = a_run(bars=days, hours=24, funding=False)
    rng = np.random.default_rng(5)
    symbols = tuple(f"US:NAME{i:02d}" for i in range(names))
    walk = np.exp(np.cumsum(rng.normal(0.0003, 0.015, (days, names)), axis=0)) * 50
    prices = tuple(
        PriceSeries(symbol=s, ts=base.equity.ts, close=walk[:, i], tick=0.01, lot=1.0)
        for i, s in enumerate(symbols)
    )
    own = rng.integers(0, names, len(base.trades))
    trades = replace(base.trades, symbols=symbols, instrument=own)
    net = base.waterfall[-1].amount
    return replace(
        base,
        identity=replace(base.identity, symbols=symbols, timeframe="1d", currency="USD"),
        prices=prices,
        trades=trades,
        attribution=attribution(trades, net_profit=net, costs=Costs()),
        path=None,
    )


def a_run_of_one_bar() -> ReportData:
    base = a_run_without_trades()
    one = base.equity.ts[:1]
    price = base.prices[0]
    short = PriceSeries(symbol=price.symbol, ts=one, close=price.close[:1])
    return replace(
        base,
        equity=EquitySeries(ts=one, equity=np.array([CAPITAL]), drawdown=np.zeros(1)),
        prices=(short,),
        coverage=(),
        look_ahead=None,
    )


def a_losing_run() -> ReportData:
    """Gross profit below zero, a rebate, funding received, evidence against."""
    base = a_run()
    costs = Costs(fees=-120.0, slippage=900.0, funding=350.0)
    return replace(
        base,
        metrics={**base.metrics, "total_return": -0.2043, "annual_return": -0.108},
        overfitting=replace(base.overfitting, kind=VerdictKind.EVIDENCE_AGAINST, pbo=0.71),
        waterfall=waterfall(-20_430.0, costs),
        costs=CostFacts(paid_bps=3.2, break_even_bps=-8.1),
        path=PathGuess(trades=3, of=388, worst_profit=-20_430.0, best_profit=1_200.0),
    )
