"""Random markets, orders and settings for both simulators, from a seed and a few knobs.

A knob switches one subject on or off, so that a failing example shrinks to the subjects it needs;
the seed draws the numbers. `random_knobs` draws the knobs too, in the shares that are measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from tests.reference.generated_orders import random_script

from algotrader.execution.simulation import (
    ExecutionRule,
    Floats,
    GapFill,
    InstrumentKind,
    MarginMode,
    Panel,
    PathRule,
    RebalanceRule,
    Request,
    SimulatedInstrument,
    SimulationSettings,
    SizeAt,
)

HOUR = 3_600_000
START = 1_700_000_000_000 // 86_400_000 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What an example is about. The defaults are the plainest example."""

    seed: int = 0
    rows: int = 6
    columns: int = 1
    kind: str = "spot"  # spot, linear, inverse, mixed
    hours: int = 1  # of a bar
    volatility: float = 0.01
    holes: bool = False  # missing bars and volume 0
    wild: bool = False  # gaps, flat bars, huge moves
    ticks: bool = False
    coarse: bool = False  # lots and minimums that matter
    costs: bool = False
    minimum_fee: bool = False
    coin_fee: bool = False
    impact: bool = False
    thin: bool = False  # volumes that participation cuts
    auction: bool = False  # a venue that closes
    leverage: float = 1.0
    tiers: bool = False
    isolated: bool = False
    marks: bool = False
    funding: bool = False
    targets: bool = False
    script: bool = False
    protection: bool = False  # of targets, by the settings
    rebalance: RebalanceRule = RebalanceRule.ON_CHANGE
    execution: ExecutionRule | None = None
    path: PathRule = PathRule.WORST
    gap_fill: GapFill = GapFill.BY_VENUE
    size_at_fill: bool = False
    close_only: bool = False
    listing: bool = False
    limits: bool = False
    groups: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One example, ready for `simulate`."""

    panel: Panel
    instruments: list[SimulatedInstrument]
    settings: SimulationSettings
    targets: Floats | None
    script: dict[int, list[Request]] | None


def random_knobs(seed: int) -> Knobs:
    """Knobs in the shares in which examples are measured."""
    rng = np.random.default_rng([seed, 1])

    def maybe(share: float) -> bool:
        return bool(rng.random() < share)

    kind = str(rng.choice(["spot", "linear", "inverse", "mixed"], p=[0.35, 0.35, 0.12, 0.18]))
    targets = maybe(0.5)
    close_only = maybe(0.06)
    return Knobs(
        seed=seed,
        rows=int(rng.integers(4, 28)),
        columns=int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])),
        kind=kind,
        hours=int(rng.choice([1, 4, 8, 24])),
        volatility=float(rng.choice([0.001, 0.01, 0.03, 0.1])),
        holes=maybe(0.3),
        wild=maybe(0.4),
        ticks=maybe(0.6),
        coarse=maybe(0.5),
        costs=maybe(0.7),
        minimum_fee=maybe(0.25),
        coin_fee=maybe(0.3),
        impact=maybe(0.2),
        thin=maybe(0.4),
        auction=maybe(0.35),
        leverage=float(rng.choice([1.0, 3.0, 10.0, 30.0])),
        tiers=maybe(0.6),
        isolated=maybe(0.4),
        marks=maybe(0.4),
        funding=maybe(0.4),
        targets=targets,
        script=maybe(0.3) if targets else True,
        protection=maybe(0.4) and targets and not close_only,
        rebalance=RebalanceRule(int(rng.integers(0, 4))),
        execution=[None, ExecutionRule.MARKET, ExecutionRule.CAPPED][int(rng.integers(0, 3))],
        path=PathRule.WORST if close_only else random_path(rng),
        gap_fill=GapFill(int(rng.choice([0, 1, 2], p=[0.7, 0.15, 0.15]))),
        size_at_fill=maybe(0.1),
        close_only=close_only,
        listing=maybe(0.15),
        limits=maybe(0.15),
        groups=maybe(0.2),
    )


def random_path(rng: np.random.Generator) -> PathRule:
    return PathRule(int(rng.choice([0, 1, 2, 3], p=[0.5, 0.1, 0.2, 0.2])))


def build(knobs: Knobs) -> Case:
    """The example of a set of knobs; the same knobs give the same example."""
    rng = np.random.default_rng([knobs.seed, 2])
    instruments = [random_instrument(rng, knobs, i) for i in range(knobs.columns)]
    panel = random_panel(rng, knobs, instruments)
    settings = random_settings(rng, knobs)
    instruments = [
        replace(item, **random_life(rng, panel)) if knobs.listing and rng.random() < 0.5 else item
        for item in instruments
    ]
    targets = random_targets(rng, knobs, instruments) if knobs.targets else None
    script = random_script(rng, knobs, panel, instruments, settings) if knobs.script else None
    return Case(panel, instruments, settings, targets, script)


def kind_of_column(knobs: Knobs, i: int) -> InstrumentKind:
    if knobs.kind == "mixed":
        return InstrumentKind.SPOT if i % 2 == 0 else InstrumentKind.LINEAR
    return {
        "spot": InstrumentKind.SPOT,
        "linear": InstrumentKind.LINEAR,
        "inverse": InstrumentKind.INVERSE,
    }[knobs.kind]


def random_instrument(rng: np.random.Generator, knobs: Knobs, i: int) -> SimulatedInstrument:
    kind = kind_of_column(knobs, i)
    inverse = kind == InstrumentKind.INVERSE
    lot = float(rng.choice([0.1, 1.0])) if knobs.coarse else 0.01
    tiers = ((2_000.0, 0.01), (8_000.0, 0.025), (20_000.0, 0.06))
    if inverse:
        tiers = ((20.0, 0.01), (80.0, 0.025), (200.0, 0.06))
    return SimulatedInstrument(
        symbol="ABC"[i],
        kind=kind,
        tick=float(rng.choice([0.01, 0.5])) if knobs.ticks else 0.0,
        lot=1.0 if inverse else lot,
        min_quantity=float(rng.choice([0.0, 3.0])) * lot if knobs.coarse else 0.0,
        min_notional=float(rng.choice([0.0, 150.0])) if knobs.coarse else 0.0,
        multiplier=float(rng.choice([10.0, 100.0])) if inverse else random_multiplier(rng, kind),
        maker_fee=float(rng.choice([-0.0002, 0.0002, 0.001])) if knobs.costs else 0.0,
        taker_fee=float(rng.choice([0.0005, 0.001, 0.01])) if knobs.costs else 0.0,
        min_fee=float(rng.choice([1.0, 30.0])) if knobs.minimum_fee and not inverse else 0.0,
        fee_in_received=knobs.coin_fee and kind == InstrumentKind.SPOT,
        slippage_bps=float(rng.choice([0.0, 2.0, 40.0])) if knobs.costs else 0.0,
        half_spread_bps=float(rng.choice([0.0, 1.0])) if knobs.costs else 0.0,
        impact=0.5 if knobs.impact else 0.0,
        participation=0.1 if knobs.thin else float(rng.choice([0.0, 0.5])),
        never_closes=not knobs.auction,
        leverage=1.0 if kind == InstrumentKind.SPOT else knobs.leverage,
        tiers=tiers if knobs.tiers and kind != InstrumentKind.SPOT else (),
        liquidation_fee=0.005 if knobs.tiers and kind != InstrumentKind.SPOT else 0.0,
        size_share=1.0 if knobs.columns == 1 or rng.random() < 0.7 else 1.0 / knobs.columns,
    )


def random_multiplier(rng: np.random.Generator, kind: InstrumentKind) -> float:
    return 1.0 if kind == InstrumentKind.SPOT else float(rng.choice([1.0, 0.1]))


def random_life(rng: np.random.Generator, panel: Panel) -> dict[str, object]:
    """A listing or a delisting inside the data."""
    stamp = int(rng.choice(panel.ts)) + int(rng.choice([0, 0, HOUR // 2]))
    if rng.random() < 0.3:
        return {"listed_at": stamp}
    return {"delisted_at": stamp, "delist_haircut": float(rng.choice([0.0, 0.3]))}


def random_ohlc(rng: np.random.Generator, knobs: Knobs, rows: int, tick: float) -> Floats:
    """(rows, 4): a walk with gaps, flat bars, ties and jumps, mostly on the tick."""
    close = 100.0
    out = np.empty((rows, 4))
    grid = tick or 0.25 * (rng.random() < 0.3)  # equal prices happen on a grid
    for t in range(rows):
        v = knobs.volatility * (8.0 if knobs.wild and rng.random() < 0.08 else 1.0)
        v = min(v, 0.3)
        gap = v * rng.normal() if knobs.wild and rng.random() < 0.4 else 0.0
        start = close * float(np.exp(gap))
        end = start * float(np.exp(v * rng.normal()))
        if knobs.wild and rng.random() < 0.1:
            end = start
        reach = 0.0 if knobs.wild and rng.random() < 0.15 else v
        high = max(start, end) * float(np.exp(reach * abs(rng.normal())))
        low = min(start, end) * float(np.exp(-reach * abs(rng.normal())))
        bar = np.array([start, high, low, end])
        if grid and (rng.random() < 0.95):
            bar = np.maximum(np.round(bar / grid), 1.0) * grid
        out[t] = bar
        out[t, 1], out[t, 2] = bar.max(), bar.min()
        close = float(out[t, 3])
    return out


def random_panel(
    rng: np.random.Generator, knobs: Knobs, instruments: list[SimulatedInstrument]
) -> Panel:
    rows, columns = knobs.rows, len(instruments)
    frame = knobs.hours * HOUR
    steps = np.ones(rows, dtype=np.int64)
    if knobs.holes:
        steps[rng.random(rows) < 0.08] = 3  # rows that the calendar does not have
    ts = START + np.cumsum(steps) * frame
    finer_count = 4
    finer = knobs.path == PathRule.FINER and not knobs.close_only
    ohlc = np.empty((rows, 4, columns))
    finer_ohlc = np.empty((rows * finer_count, 4, columns))
    for i, item in enumerate(instruments):
        if finer:
            small = random_ohlc(rng, knobs, rows * finer_count, item.tick)
            finer_ohlc[:, :, i] = small
            ohlc[:, :, i] = fold(small, finer_count)
        else:
            ohlc[:, :, i] = random_ohlc(rng, knobs, rows, item.tick)
    volume = np.full((rows, columns), 1e7)
    if knobs.thin:
        volume = np.round(rng.lognormal(6.0, 1.2, (rows, columns)), 1)
    if knobs.holes:
        volume[rng.random((rows, columns)) < 0.08] = 0.0
        missing = rng.random((rows, columns)) < 0.1
        ohlc.transpose(0, 2, 1)[missing] = np.nan
        volume[missing] = 0.0
        finer_ohlc[rng.random(len(finer_ohlc)) < 0.02] = np.nan
    finer_ts = (ts[:, None] + np.arange(finer_count) * (frame // finer_count)).ravel()
    if finer and knobs.holes:
        keep = rng.random(len(finer_ts)) > 0.03
        keep[:2] = True
        finer_ts, finer_ohlc = finer_ts[keep], finer_ohlc[keep]
    more = np.random.default_rng([knobs.seed, 3])  # so that the draws above stay what they are
    if knobs.holes and knobs.thin:
        volume[(more.random(volume.shape) < 0.05) & ~np.isnan(ohlc[:, 3, :])] = np.nan  # unknown
    finer_marks = random_finer_marks(more, finer_ohlc) if finer and knobs.marks else None
    close = ohlc[:, 3, :].copy()
    open_, high, low = (ohlc[:, k, :].copy() for k in range(3))
    if knobs.close_only:
        open_, high, low = close.copy(), close.copy(), close.copy()
    marks = random_marks(rng, ohlc) if knobs.marks else None
    funding = random_funding(rng, ts, frame, columns) if knobs.funding else None
    sessions = (ts // (86_400_000 * 2)) if knobs.auction and rng.random() < 0.5 else None
    return Panel(
        ts=ts,
        timeframe_ms=frame,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        session=sessions,
        mark_open=None if marks is None else marks[0],
        mark_high=None if marks is None else marks[1],
        mark_low=None if marks is None else marks[2],
        mark_close=None if marks is None else marks[3],
        funding_ts=None if funding is None else funding[0],
        funding_instrument=None if funding is None else funding[1],
        funding_rate=None if funding is None else funding[2],
        schedule=rng.random(rows) < 0.4,
        finer_ts=finer_ts if finer else None,
        finer_ohlc=finer_ohlc if finer else None,
        finer_mark_ohlc=finer_marks,
    )


def fold(small: Floats, count: int) -> Floats:
    """Base bars of finer ones."""
    parts = small.reshape(-1, count, 4)
    return np.stack(
        [parts[:, 0, 0], parts[:, :, 1].max(1), parts[:, :, 2].min(1), parts[:, -1, 3]], axis=1
    )


def random_marks(rng: np.random.Generator, ohlc: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Marks near the prices, whole bars of them missing now and then."""
    base = ohlc * np.exp(0.003 * rng.normal(size=ohlc.shape))
    base[rng.random(len(base)) < 0.1] = np.nan
    high = np.maximum(np.maximum(base[:, 0], base[:, 3]), base[:, 1])
    low = np.minimum(np.minimum(base[:, 0], base[:, 3]), base[:, 2])
    return base[:, 0], high, low, base[:, 3]


def random_finer_marks(rng: np.random.Generator, finer_ohlc: Floats) -> Floats:
    """The same for finer bars, (M, 4, N)."""
    return np.stack(random_marks(rng, finer_ohlc), axis=1)


def random_funding(
    rng: np.random.Generator, ts: np.ndarray, frame: int, columns: int
) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Stamps at opens, inside bars and between rows."""
    count = int(rng.integers(1, 12))
    stamps = rng.choice(ts, count) + rng.choice([0, frame // 2, frame, 3 * frame // 2], count)
    order = np.argsort(stamps, kind="stable")
    rates = rng.choice([0.0001, -0.0003, 0.004, 0.02], count)
    return stamps[order], rng.integers(0, columns, count)[order], rates[order]


def random_settings(rng: np.random.Generator, knobs: Knobs) -> SimulationSettings:
    def fraction(low: float, high: float) -> float | None:
        return float(rng.uniform(low, high)) if knobs.protection and rng.random() < 0.7 else None

    scale = max(knobs.volatility, 0.004)
    return SimulationSettings(
        cash=100.0 if knobs.kind == "inverse" else 10_000.0,
        margin_mode=MarginMode.ISOLATED if knobs.isolated else MarginMode.CROSS,
        cash_buffer=float(rng.choice([0.0, 0.05])),
        max_leverage=knobs.leverage,
        max_weight=float(rng.choice([0.4, 1.5])) if knobs.limits else float("inf"),
        max_notional=float(rng.choice([2_000.0, 9_000.0])) if knobs.limits else float("inf"),
        max_weight_abs=40.0,
        rebalance=knobs.rebalance,
        band=0.15,
        execution=ExecutionRule.MARKET if knobs.close_only else knobs.execution,
        path=knobs.path,
        gap_fill=knobs.gap_fill,
        size_at=SizeAt.FILL if knobs.size_at_fill else SizeAt.CLOSE,
        stop_loss=fraction(0.3 * scale, 3 * scale),
        take_profit=fraction(0.3 * scale, 3 * scale),
        trailing=fraction(0.3 * scale, 3 * scale),
        reenter_after=int(rng.integers(0, 4)) if rng.random() < 0.5 else None,
        close_only=knobs.close_only,
    )


def random_targets(
    rng: np.random.Generator, knobs: Knobs, instruments: list[SimulatedInstrument]
) -> Floats:
    """Weights that change now and then, with gaps in opinion and absurd ones."""
    rows = knobs.rows
    out = np.empty((rows, len(instruments)))
    for i, item in enumerate(instruments):
        most = item.leverage * (0.98 if rng.random() < 0.5 else 1.0)
        low = 0.0 if item.kind == InstrumentKind.SPOT and rng.random() < 0.9 else -most
        levels = np.array([0.0, most, low, 0.5 * most, 0.5 * low, 1.0 / 3.0])
        current = 0.0
        for t in range(rows):
            if rng.random() < 0.35:
                current = float(rng.choice(levels))
            out[t, i] = current
    out[rng.random(out.shape) < 0.08] = np.nan
    out[rng.random(out.shape) < 0.01] = np.inf
    return out
