"""What a run rests on: how fills, costs and margin were simulated, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from algotrader.backtest.remark import Remark
from algotrader.backtest.run import RunResult
from algotrader.backtest.settings import WORKED
from algotrader.backtest.worked import worked_text
from algotrader.core.instruments import FeeSchedule, SlippageModel
from algotrader.core.rebalancing import RebalanceKind
from algotrader.core.symbols import Symbol
from algotrader.core.units import format_number, format_percent
from algotrader.strategy.rebalance import Rebalance


def assumptions_of(result: RunResult) -> tuple[Remark, ...]:
    """How fills, costs and margin were simulated, one line each."""
    settings = result.settings
    never_closes = result.market.never_closes
    execution = settings.execution or ("capped" if never_closes else "market")
    if result.market.bars.close_only:
        fill = ("at the next close: the data has closes alone", "按下一收盘价成交：数据仅有收盘价")
    elif execution in WORKED:
        fill = worked_text(settings, result.market.bars.timeframe.ms)
    elif execution == "capped":
        fill = (
            "next open, within 50 bps of the decision's close",
            "次开盘，限于决策收盘价 50 bps 内",
        )
    else:
        fill = ("market orders at the next bar's open", "市价单于下一根 K 线开盘成交")
    return (
        _each("fees", [(one.symbol, *_fees(one.fees)) for one in result.instruments]),
        _each("slippage", [(one.symbol, *_slippage(one.slippage)) for one in result.instruments]),
        Remark(code="fill", en=fill[0], zh=fill[1]),
        Remark(
            code="path", en=f"{settings.path} inside a bar", zh=f"K 线内{_PATHS_ZH[settings.path]}"
        ),
        _participated(result),
        Remark(
            code="leverage",
            en=f"Σ|weight| at most {format_number(settings.max_leverage, 2)}",
            zh=f"权重绝对值之和不超过 {format_number(settings.max_leverage, 2)}",
        ),
        _rebalanced(result.strategy.rebalance),
        *_margin(result),
    )


def _each(code: str, said: Sequence[tuple[Symbol, str, str]]) -> Remark:
    """What is true of every instrument once; where it differs, whose it is stands before it."""
    owners: dict[tuple[str, str], list[Symbol]] = {}
    for symbol, en, zh in said:
        owners.setdefault((en, zh), []).append(symbol)
    if len(owners) == 1:
        ((en, zh),) = owners
        return Remark(code=code, en=en, zh=zh)
    return Remark(
        code=code,
        en="; ".join(f"{_owner(of, ' and {} more')}: {en}" for (en, _), of in owners.items()),
        zh="；".join(f"{_owner(of, ' 等 {} 个')}：{zh}" for (_, zh), of in owners.items()),
    )


def _owner(symbols: Sequence[Symbol], others: str) -> str:
    more = len(symbols) - (0 if "等" in others else 1)
    return str(symbols[0]) + (others.format(more) if len(symbols) > 1 else "")


def _fees(fees: FeeSchedule) -> tuple[str, str]:
    maker, taker = _bps(fees.maker), _bps(fees.taker)
    return (
        f"maker {maker}, taker {taker} ({fees.source})",
        f"挂单 {maker}，吃单 {taker}（{_SOURCES_ZH.get(fees.source, fees.source)}）",
    )


def _slippage(slippage: SlippageModel) -> tuple[str, str]:
    bps = f"{format_number(slippage.bps + slippage.half_spread_bps, 1)} bps"
    return f"{bps} a side", f"单边 {bps}"


# Where fees and margin tiers come from; what is not here is a name, or a person's own words.
_SOURCES_ZH = {
    "OKX spot, regular user level 1": "OKX 现货，普通用户 1 级",
    "OKX perpetuals, regular user level 1": "OKX 永续，普通用户 1 级",
    "Binance spot, regular user": "Binance 现货，普通用户",
    "Binance USD-M, regular user": "Binance U 本位合约，普通用户",
    "US shares: 1 bp of notional, at least 1 USD an order": "美股：成交额 1 bp，每单至少 1 USD",
    "venue unknown: 10 bps, a careful guess": "交易所未知：10 bps，谨慎估计",
    "generated": "程序生成",
    "made up": "虚构",
}


def _margin(result: RunResult) -> Iterator[Remark]:
    """When positions in derivatives are liquidated (R23)."""
    for instrument in result.instruments:
        tiers = instrument.margin.tiers
        if tiers:
            least = format_percent(float(tiers[0].maintenance_rate), 2)
            most = format_percent(float(tiers[-1].maintenance_rate), 2)
            yield Remark(
                code="margin",
                en=f"{instrument.symbol}: maintenance {least} to {most} of the position in "
                f"{len(tiers)} tiers ({instrument.margin.source}), as they are now",
                zh=f"{instrument.symbol}：维持保证金率 {least} 至 {most}，共 {len(tiers)} 档"
                f"（{_SOURCES_ZH.get(instrument.margin.source, instrument.margin.source)}），按现行档位",
            )


_PATHS_ZH = {
    "worst": "按最差路径",
    "best": "按最好路径",
    "near-far": "先近后远",
    "finer": "由更细的 K 线判定",
}
_REBALANCED = {
    "on_change": ("when the target changes", "目标改变时"),
    "every_bar": ("at every bar", "每根 K 线"),
    "daily": ("at the first bar of a day", "每天第一根 K 线"),
    "weekly": ("at the first bar of a week", "每周第一根 K 线"),
    "monthly": ("at the first bar of a month", "每月第一根 K 线"),
    "quarterly": ("at the first bar of a quarter", "每季第一根 K 线"),
}


def _rebalanced(rebalance: Rebalance) -> Remark:
    """When targets are acted on, in words."""
    if rebalance.kind is RebalanceKind.BAND:
        en = f"when what is held strays by {format_percent(rebalance.width)}"
        zh = f"持仓偏离目标 {format_percent(rebalance.width, language='zh')} 时"
        return Remark(code="rebalance", en=en, zh=zh)
    en, zh = _REBALANCED[str(rebalance)]
    return Remark(code="rebalance", en=en, zh=zh)


def _participated(result: RunResult) -> Remark:
    """Which share of a bar's volume an order may take (R20)."""
    if not result.market.provenance.volume_known or result.market.bars.close_only:
        return Remark(
            code="participation", en="not limited: no volume is known", zh="不限制：成交量未知"
        )
    if result.settings.participation == 0:
        return Remark(code="participation", en="not limited, as was asked", zh="按要求不限制")
    share = 0.1 if result.settings.participation is None else result.settings.participation
    return Remark(
        code="participation",
        en=f"at most {format_percent(share)} of a bar's volume",
        zh=f"不超过单根 K 线成交量的 {format_percent(share, language='zh')}",
    )


def _bps(rate: object) -> str:
    return f"{format_number(float(str(rate)) * 10_000, 1)} bps"
