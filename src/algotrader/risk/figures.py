"""The numbers that conditions of the rule language ask for. None is "not known"."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np

from algotrader.portfolio.positions import exact
from algotrader.risk.days import day_of
from algotrader.risk.equity_record import EquityRecord
from algotrader.risk.exposure import ZERO, AccountExposure, InstrumentExposure
from algotrader.risk.language.vocabulary import LEAST_FOR_TAIL, RETURNS_FOR_TAIL
from algotrader.risk.margin import margin_of
from algotrader.risk.recent_bars import RecentBars
from algotrader.risk.state import RiskState

_SECOND_MS: Final = 1_000
Answer = float | Decimal | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFigures:
    """Figures of an account, and of one instrument where `here` is given."""

    state: RiskState
    exposure: AccountExposure
    here: InstrumentExposure | None = None

    def figure(self, name: str, argument: float | None) -> float | None:
        with exact():
            value = _ANSWERS[name](self, argument or 0.0)
        return None if value is None else float(value)

    @property
    def record(self) -> EquityRecord | None:
        return self.state.equities.get((self.exposure.account, None))

    @property
    def recent(self) -> RecentBars | None:
        return (
            None
            if self.here is None
            else self.state.bars.by_symbol.get(self.here.instrument.symbol)
        )

    def closes(self, count: int) -> list[float] | None:
        """The last closes, None while there are fewer."""
        recent = self.recent
        if recent is None or len(recent.closes) < count:
            return None
        return list(recent.closes)[-count:]

    def volumes(self, count: int) -> list[float] | None:
        recent = self.recent
        if recent is None or len(recent.volumes) < count:
            return None
        return list(recent.volumes)[-count:]


def _recorded(value: Callable[[EquityRecord], Decimal]) -> Callable[[RiskFigures, float], Answer]:
    def answer(asked: RiskFigures, _: float) -> Answer:
        return None if asked.record is None else value(asked.record)

    return answer


def _net(asked: RiskFigures, _: float) -> Answer:
    total = ZERO
    for here in asked.exposure.instruments.values():
        if here.position and here.price is None:
            return None
        if here.price is not None:
            total += here.worth(here.position) * (1 if here.position > 0 else -1)
    return total


def _of_equity(asked: RiskFigures, amount: Answer) -> Answer:
    equity = asked.exposure.equity
    return Decimal(amount) / equity if amount is not None and equity > 0 else None


def _sent_today(asked: RiskFigures, _: float) -> Answer:
    count = asked.state.activity.sent_today.get((asked.exposure.account, None))
    return ZERO if count is None else count.on(_day(asked))


def _turnover(asked: RiskFigures, _: float) -> Answer:
    traded = asked.state.activity.traded_today.get(asked.exposure.account)
    return _of_equity(asked, ZERO if traded is None else traded.on(_day(asked)))


def _day(asked: RiskFigures) -> int:
    return day_of(asked.exposure.now_ms, asked.state.limits.day)


def _held(asked: RiskFigures, _: float) -> Answer:
    return sum(
        abs(here.position) >= here.instrument.lot for here in asked.exposure.instruments.values()
    )


def _open_orders(asked: RiskFigures, _: float) -> Answer:
    return sum(here.open_orders for here in asked.exposure.instruments.values())


def _value_at_risk(asked: RiskFigures, level: float) -> Answer:
    worst = _worst_losses(asked, level)
    return None if worst is None else worst[-1]


def _expected_shortfall(asked: RiskFigures, level: float) -> Answer:
    """Mean loss of the worst bars, by historical simulation of the positions held now."""
    worst = _worst_losses(asked, level)
    return None if worst is None else math.fsum(worst) / len(worst)


def _worst_losses(asked: RiskFigures, level: float) -> list[float] | None:
    """The largest 1 - level of the losses of the last bars, at least one, the worst first.

    Element by element and summed exactly, so that every machine gets the same bits.
    """
    losses: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None
    held = [here for here in asked.exposure.instruments.values() if here.position]
    if not held:
        return [0.0]
    closes = [asked.state.bars.by_symbol.get(here.instrument.symbol) for here in held]
    known = min((0 if recent is None else len(recent.closes) for recent in closes), default=0)
    count = min(known - 1, RETURNS_FOR_TAIL)
    if count < LEAST_FOR_TAIL:
        return None
    for here, recent in zip(held, closes, strict=True):
        if recent is None or here.price is None:
            return None
        prices = np.array(list(recent.closes)[-count - 1 :])
        worth = float(here.worth(here.position)) * (1 if here.position > 0 else -1)
        loss = -worth * (prices[1:] / prices[:-1] - 1.0)
        losses = loss if losses is None else losses + loss
    assert losses is not None
    tail = max(math.ceil((1.0 - level) * count - 1e-9), 1)
    return sorted((float(loss) for loss in losses), reverse=True)[:tail]


def _close(asked: RiskFigures, _: float) -> Answer:
    closes = asked.closes(1)
    return None if closes is None else closes[0]


def _volume(asked: RiskFigures, _: float) -> Answer:
    volumes = asked.volumes(1)
    return None if volumes is None else volumes[0]


def _position(asked: RiskFigures, _: float) -> Answer:
    return None if asked.here is None else asked.here.position


def _weight(asked: RiskFigures, _: float) -> Answer:
    here = asked.here
    if here is None or here.price is None:
        return None
    sign = 1 if here.position > 0 else -1
    return _of_equity(asked, here.worth(here.position) * sign)


def _change(asked: RiskFigures, bars: float) -> Answer:
    closes = asked.closes(int(bars) + 1)
    return None if closes is None or closes[0] <= 0 else closes[-1] / closes[0] - 1.0


def _volatility(asked: RiskFigures, bars: float) -> Answer:
    closes = asked.closes(int(bars) + 1)
    if closes is None or min(closes) <= 0:
        return None
    moves = [math.log(after / before) for before, after in pairwise(closes)]
    mean = math.fsum(moves) / len(moves)
    return math.sqrt(math.fsum((move - mean) ** 2 for move in moves) / (len(moves) - 1))


def _of_closes(value: Callable[[list[float]], float]) -> Callable[[RiskFigures, float], Answer]:
    def answer(asked: RiskFigures, bars: float) -> Answer:
        closes = asked.closes(int(bars))
        return None if closes is None else value(closes)

    return answer


def _average_volume(asked: RiskFigures, bars: float) -> Answer:
    volumes = asked.volumes(int(bars))
    return None if volumes is None else math.fsum(volumes) / len(volumes)


def _missed(asked: RiskFigures, _: float) -> Answer:
    return None if asked.recent is None else asked.recent.missed


def _spread(asked: RiskFigures, _: float) -> Answer:
    quote = None if asked.here is None else asked.here.quote
    if quote is None or quote.bid + quote.ask <= 0:
        return None
    return (quote.ask - quote.bid) / ((quote.ask + quote.bid) / 2)


def _quote_age(asked: RiskFigures, _: float) -> Answer:
    quote = None if asked.here is None else asked.here.quote
    return None if quote is None else (asked.exposure.now_ms - quote.at_ms) / _SECOND_MS


_ANSWERS: Final[Mapping[str, Callable[[RiskFigures, float], Answer]]] = MappingProxyType(
    {
        "equity": lambda asked, _: asked.exposure.equity,
        "cash": lambda asked, _: asked.exposure.cash,
        "gross": lambda asked, _: asked.exposure.gross(),
        "net": _net,
        "leverage": lambda asked, _: _of_equity(asked, asked.exposure.gross()),
        "drawdown": _recorded(lambda record: record.drawdown),
        "run_drawdown": _recorded(lambda record: record.run_drawdown),
        "daily_loss": _recorded(lambda record: record.daily_loss),
        "daily_pnl": _recorded(lambda record: record.daily_pnl),
        "losing_streak": lambda asked, _: asked.state.trips.losing_streak(asked.exposure.account),
        "positions": _held,
        "open_orders": _open_orders,
        "orders_today": _sent_today,
        "turnover": _turnover,
        "reject_rate": lambda asked, _: asked.state.activity.reject_rate(asked.exposure.account),
        "slippage": lambda asked, _: asked.state.activity.slippage(asked.exposure.account),
        "margin_ratio": lambda asked, _: margin_of(asked.exposure).ratio,
        "liquidation_distance": lambda asked, _: margin_of(asked.exposure).distance,
        "value_at_risk": _value_at_risk,
        "expected_shortfall": _expected_shortfall,
        "close": _close,
        "volume": _volume,
        "position": _position,
        "weight": _weight,
        "change": _change,
        "volatility": _volatility,
        "average": _of_closes(lambda closes: math.fsum(closes) / len(closes)),
        "highest": _of_closes(max),
        "lowest": _of_closes(min),
        "average_volume": _average_volume,
        "missed_bars": _missed,
        "spread": _spread,
        "quote_age": _quote_age,
    }
)
"""One for each word of the vocabulary."""
