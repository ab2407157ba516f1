"""Types of the native kernel (native/bindings). One section per binding file, in its order."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from numpy import float64, int64
from numpy.typing import NDArray

__version__: str

# reduce
def fixed_sum(values: NDArray[float64]) -> float: ...
def bars_are_sound(
    open: NDArray[float64],  # noqa: A002 - the word of the field
    high: NDArray[float64],
    low: NDArray[float64],
    close: NDArray[float64],
    volume: NDArray[float64],
) -> bool: ...

# indicators
class indicators:  # noqa: N801 - a submodule; a stub file can only say class
    """Each takes (N, T) series, its settings, then (N, T) results to write."""

    accumulation: ClassVar[Callable[..., None]]
    accumulation_oscillator: ClassVar[Callable[..., None]]
    adx: ClassVar[Callable[..., None]]
    aroon: ClassVar[Callable[..., None]]
    atr: ClassVar[Callable[..., None]]
    balance_of_power: ClassVar[Callable[..., None]]
    bollinger: ClassVar[Callable[..., None]]
    change: ClassVar[Callable[..., None]]
    cci: ClassVar[Callable[..., None]]
    cmo: ClassVar[Callable[..., None]]
    dema: ClassVar[Callable[..., None]]
    donchian: ClassVar[Callable[..., None]]
    ema: ClassVar[Callable[..., None]]
    ema_difference: ClassVar[Callable[..., None]]
    ema_ratio: ClassVar[Callable[..., None]]
    kama: ClassVar[Callable[..., None]]
    linear_fit: ClassVar[Callable[..., None]]
    linear_slope: ClassVar[Callable[..., None]]
    macd: ClassVar[Callable[..., None]]
    mfi: ClassVar[Callable[..., None]]
    midrange: ClassVar[Callable[..., None]]
    minus_di: ClassVar[Callable[..., None]]
    natr: ClassVar[Callable[..., None]]
    obv: ClassVar[Callable[..., None]]
    plus_di: ClassVar[Callable[..., None]]
    rate_of_change: ClassVar[Callable[..., None]]
    raw_stochastic: ClassVar[Callable[..., None]]
    rolling_argmax: ClassVar[Callable[..., None]]
    rolling_argmin: ClassVar[Callable[..., None]]
    rolling_beta: ClassVar[Callable[..., None]]
    rolling_corr: ClassVar[Callable[..., None]]
    rolling_cov: ClassVar[Callable[..., None]]
    rolling_kurt: ClassVar[Callable[..., None]]
    rolling_max: ClassVar[Callable[..., None]]
    rolling_min: ClassVar[Callable[..., None]]
    rolling_product: ClassVar[Callable[..., None]]
    rolling_quantile: ClassVar[Callable[..., None]]
    rolling_rank: ClassVar[Callable[..., None]]
    rolling_skew: ClassVar[Callable[..., None]]
    rolling_std: ClassVar[Callable[..., None]]
    rolling_sum: ClassVar[Callable[..., None]]
    rolling_var: ClassVar[Callable[..., None]]
    rolling_vwap: ClassVar[Callable[..., None]]
    rolling_zscore: ClassVar[Callable[..., None]]
    rsi: ClassVar[Callable[..., None]]
    sar: ClassVar[Callable[..., None]]
    session_vwap: ClassVar[Callable[..., None]]
    sma: ClassVar[Callable[..., None]]
    stochastic: ClassVar[Callable[..., None]]
    supertrend: ClassVar[Callable[..., None]]
    t3: ClassVar[Callable[..., None]]
    tema: ClassVar[Callable[..., None]]
    trima: ClassVar[Callable[..., None]]
    trix: ClassVar[Callable[..., None]]
    true_range: ClassVar[Callable[..., None]]
    ulcer_index: ClassVar[Callable[..., None]]
    ultimate: ClassVar[Callable[..., None]]
    volume_price_trend: ClassVar[Callable[..., None]]
    vwma: ClassVar[Callable[..., None]]
    wilder: ClassVar[Callable[..., None]]
    williams_r: ClassVar[Callable[..., None]]
    wma: ClassVar[Callable[..., None]]

# metrics
class metrics:  # noqa: N801 - a submodule
    """Metrics of daily returns, and CSCV (native/include/algotrader/metrics.hpp)."""

    COLUMNS: int

    @staticmethod
    def main(
        returns: NDArray[float64],
        periods_per_year: float,
        years: float = 0.0,
        threads: int = 0,
    ) -> NDArray[float64]: ...
    @staticmethod
    def cscv(
        returns: NDArray[float64], blocks: int, threads: int = 0
    ) -> tuple[NDArray[float64], NDArray[float64], NDArray[float64]]: ...

# simulation
class Panel:
    """A checked panel whose arrays the kernel reads."""

    def __init__(self, panel: object) -> None: ...

def simulate(
    panel: Panel,
    instruments: object,
    settings: object,
    targets: NDArray[float64] | None,
    script: object,
    equity: NDArray[float64],
    cash: NDArray[float64],
    position: NDArray[float64] | None,
    funding: NDArray[float64] | None,
    skip_rests: bool = True,
) -> dict[str, Any]: ...

# stepper
class Stepper:
    """One simulation that its caller drives row by row."""

    next_row: int
    fills: int
    cash: float
    equity: float
    positions: list[float]
    funding: list[float]
    def __init__(self, panel: Panel, instruments: object, settings: object) -> None: ...
    def step(self) -> None: ...
    def request(self, request: object) -> int: ...
    def work(
        self,
        instrument: int,
        side: int,
        quantity: float,
        wanted: float,
        capped: bool,
        reduce_only: bool,
        tif: int,
    ) -> int: ...
    def set_protection(
        self, instrument: int, stop_loss: float, take_profit: float, trailing: float
    ) -> None: ...
    def protect(self, instrument: int, opener: int) -> None: ...
    def cancel_guard(self, opener: int, generation: int, reason: int, instrument: int) -> None: ...
    def guards(self) -> list[tuple[int, int, int, int, bool]]: ...
    def take_guard_news(self) -> list[tuple[int, int, int, int, bool]]: ...
    def openers_from(self, first: int) -> list[tuple[int, int]]: ...
    def decide(self) -> None: ...
    def fills_from(self, first: int) -> dict[str, Any]: ...
    def result(self) -> dict[str, Any]: ...
    def take_ended(self) -> list[int]: ...
    def order_state(self, number: int) -> int: ...

# context
class BarView:
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float

class PositionView:
    quantity: float
    entry: float
    unrealised: float

class OrderRef:
    number: int
    state: int

class FillView:
    row: int
    instrument: int
    order: int
    quantity: float
    price: float
    fee: float
    slippage: float
    maker: bool
    reason: int
    opening: bool

class FeatureView:
    def __getitem__(self, name: str) -> float: ...
    def __len__(self) -> int: ...
    def __contains__(self, name: object) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def keys(self) -> list[str]: ...

class Simulation:
    row: int
    column: int
    tags: list[str]
    def __init__(
        self,
        panel: Panel,
        instruments: object,
        settings: object,
        features: dict[str, NDArray[float64]],
    ) -> None: ...
    def run(
        self,
        contexts: object,
        on_bar: object,
        on_bars: object,
        panel_context: object,
        on_order: object,
        on_fill: object,
        first: int,
        orders_from: int,
        equity: NDArray[float64],
        cash: NDArray[float64],
        position: NDArray[float64] | None,
        funding: NDArray[float64] | None,
    ) -> dict[str, Any]: ...

class Context:
    index: int
    column: int
    decided_at_ms: int
    bar: BarView
    position: PositionView
    equity: float
    cash: float
    orders: list[OrderRef]
    feature: FeatureView
    def __init__(self, simulation: Simulation, column: int) -> None: ...
    def __getitem__(self, name: str) -> float: ...
    def crossed_above(self, a: str, b: str) -> bool: ...
    def crossed_below(self, a: str, b: str) -> bool: ...
    def buy(
        self,
        *,
        quantity: float | None = None,
        weight: float | None = None,
        value: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        trailing: float | None = None,
        tif: str | int = "gtc",
        expires_at: datetime | int | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        group: str | None = None,
        tag: str | None = None,
    ) -> OrderRef: ...
    def sell(
        self,
        *,
        quantity: float | None = None,
        weight: float | None = None,
        value: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        trailing: float | None = None,
        tif: str | int = "gtc",
        expires_at: datetime | int | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        group: str | None = None,
        tag: str | None = None,
    ) -> OrderRef: ...
    def target(self, weight: float | None = None, *, quantity: float | None = None) -> None: ...
    def close(self) -> None: ...
    def cancel(self, order: OrderRef) -> None: ...
    def amend(
        self,
        order: OrderRef,
        *,
        quantity: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
    ) -> None: ...

# trades
def trades(
    panel: Panel, instruments: object, result: object, close_only: bool, fifo: bool
) -> dict[str, NDArray[Any]]: ...

# sizing
class sizing:  # noqa: N801 - a submodule
    @staticmethod
    def lots_from_weight(
        instrument: object, weight: float, equity: float, price: float
    ) -> float: ...
    @staticmethod
    def whole_lots(lots: float) -> float: ...
    @staticmethod
    def round_limit(price: float, tick: float, side: int) -> float: ...
    @staticmethod
    def round_stop(price: float, tick: float, side: int) -> float: ...
    @staticmethod
    def round_fill(price: float, tick: float, side: int) -> float: ...
    @staticmethod
    def below_minimum(instrument: object, quantity: float, price: float) -> bool: ...
    @staticmethod
    def notional(instrument: object, quantity: float, price: float) -> float: ...
    @staticmethod
    def quote_notional(instrument: object, quantity: float, price: float) -> float: ...
    @staticmethod
    def order_fee(sum_of_fills: float, rate: float, minimum: float) -> float: ...
    @staticmethod
    def slippage_fraction(
        instrument: object, quantity: float, sigma: float, daily_volume: float
    ) -> float: ...
    @staticmethod
    def profit(instrument: object, quantity: float, entry: float, price: float) -> float: ...
    @staticmethod
    def funding_amount(instrument: object, quantity: float, mark: float, rate: float) -> float: ...
    @staticmethod
    def maintenance_rate(instrument: object, notional: float) -> float: ...
    @staticmethod
    def liquidation_price(
        instrument: object, quantity: float, entry: float, margin: float
    ) -> float: ...
    @staticmethod
    def bankruptcy_price(
        instrument: object, quantity: float, mark: float, share: float
    ) -> float: ...
    @staticmethod
    def cash_factor(
        increases: Sequence[tuple[float, float, float, float]], free: float
    ) -> float: ...

# simd
def simd_level() -> str: ...
def simd_levels() -> list[str]: ...
def set_simd_level(name: str) -> None: ...

# batch
class Batch:
    day_ends: NDArray[int64]
    def __init__(self, panel: Panel, instruments: object, settings: object) -> None: ...
    def run(
        self, targets: NDArray[float64], returns: NDArray[float64]
    ) -> tuple[float, float, float, float, int, int, int, int, int, int]: ...
    def run_many(
        self, sets: Sequence[NDArray[float64]], returns: NDArray[float64], threads: int = 0
    ) -> list[tuple[float, float, float, float, int, int, int, int, int, int]]: ...
