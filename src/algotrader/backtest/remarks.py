"""What a reader must know of a run: its warnings, and the assumptions it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from algotrader.backtest.completeness import MINIMUM_COVERAGE
from algotrader.backtest.run import RunResult
from algotrader.core.instants import utc_at
from algotrader.core.instruments import FeeSchedule, Instrument, SlippageModel
from algotrader.core.rebalancing import RebalanceKind
from algotrader.core.symbols import FILE_VENUE, Symbol
from algotrader.core.units import format_number, format_percent, format_step
from algotrader.execution.simulation import OrderState
from algotrader.strategy.rebalance import Rebalance


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One line in both languages. `code` is stable, for programs."""

    code: str
    en: str
    zh: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.en}


def warnings_of(result: RunResult) -> tuple[Remark, ...]:
    """Most important first."""
    return (
        *_about_data(result),
        *_about_rules(result),
        *_about_risk(result),
        *_about_margin(result),
        *_about_costs(result),
        *_about_orders(result),
    )


def _about_risk(result: RunResult) -> Iterator[Remark]:
    """Limits that a backtest cannot hold."""
    live_only = result.risk.live_only() if result.risk is not None else ()
    if live_only:
        names = ", ".join(live_only)
        yield Remark(
            code="live_only",
            en=f"not held, for want of prices between bars: {names}",
            zh=f"缺少 K 线之间的价格，未执行：{names}",
        )


def assumptions_of(result: RunResult) -> tuple[Remark, ...]:
    """How fills, costs and margin were simulated, one line each."""
    settings = result.settings
    never_closes = result.market.never_closes
    execution = settings.execution or ("capped" if never_closes else "market")
    if result.market.bars.close_only:
        fill = ("at the next close: the data has closes alone", "按下一收盘价成交：数据仅有收盘价")
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
    share = 0.1 if result.settings.participation is None else result.settings.participation
    return Remark(
        code="participation",
        en=f"at most {format_percent(share)} of a bar's volume",
        zh=f"不超过单根 K 线成交量的 {format_percent(share, language='zh')}",
    )


def _about_data(result: RunResult) -> Iterator[Remark]:
    market = result.market
    if market.provenance.generated:
        yield Remark(
            code="generated",
            en="Prices are generated by a seeded program, not by a market.",
            zh="价格由带种子的程序生成，并非真实行情。",
        )
    if market.coverage.least < MINIMUM_COVERAGE:
        share = market.coverage.least
        yield Remark(
            code="coverage",
            en=f"{format_percent(share, 2)} of the expected bars are there; gaps were allowed.",
            zh=f"仅有应有 K 线的 {format_percent(share, 2, language='zh')}，已允许缺口。",
        )
    yield from _suspects(result)
    if outside := market.coverage.outside:
        yield Remark(
            code="outside_sessions",
            en=f"{outside} bars lie where the calendar has none; they were traded on as given.",
            zh=f"{outside} 根 K 线落在交易日历之外，仍按原样参与回测。",
        )
    funding = market.coverage.funding
    if funding is not None and funding < 1:
        yield Remark(
            code="funding_coverage",
            en=f"Funding rates are known for {format_percent(funding)} of settlements; "
            "the others were taken as 0.",
            zh=f"资金费率覆盖 {format_percent(funding, language='zh')} 的结算，其余按 0 计。",
        )
    if market.bars.close_only:
        yield Remark(
            code="close_only",
            en="The data has closes alone: orders fill at the next close, participation is off.",
            zh="数据仅有收盘价：按下一收盘价成交，不限制成交量占比。",
        )
    elif not market.provenance.volume_known:
        yield Remark(
            code="volume_unknown",
            en="The data has no volume, so orders were not limited to a share of it.",
            zh="数据没有成交量，因此未限制成交量占比。",
        )


_SUSPECT_ZH = {
    "unexplained_split": "价格像拆股一样跳变，却没有复权因子解释",
    "other_company": "价格跳变，此代码之前似为另一家公司",
    "bad_print": "价格远离前后并立即回归",
    "interpolated": "停机时段被画成直线",
    "stale": "同一行重复出现，数据源停滞",
    "volume_unit": "成交量单位中途改变，未限制成交量占比",
    "clock_change": "时钟改变一小时，时间戳是当地时间而非 UTC",
    "off_grid": "时间戳不在整根 K 线上",
    "wrong_time_zone": "时间戳属于另一时区，或以收盘时间命名",
}


def _suspects(result: RunResult) -> Iterator[Remark]:
    """One line for each rule of the quality check that found errors."""
    for rule, zh in _SUSPECT_ZH.items():
        found = [suspect for suspect in result.market.suspects if suspect.rule == rule]
        if not found:
            continue
        first = min(found, key=lambda suspect: suspect.first_ts)
        bars = format_number(sum(suspect.bars for suspect in found), 0)
        place = f"{first.symbol} {utc_at(first.first_ts):%Y-%m-%d}"
        yield Remark(
            code=rule,
            en=f"Bars that look wrong: {bars}, first {place}: {first.message}. "
            "The figures may rest on them; see `algotrader data check`.",
            zh=f"{bars} 根 K 线可疑，首见于 {place}：{zh}。结果可能因此失真，"
            "请运行 `algotrader data check`。",
        )


def _about_rules(result: RunResult) -> Iterator[Remark]:
    """Instruments of an exchange whose own limits on orders are not kept in the lake."""
    unknown = [
        str(one.symbol)
        for one in result.instruments
        if one.symbol.quote is not None
        and one.symbol.venue != FILE_VENUE
        and one.tick == one.min_quantity == one.min_notional == 0
    ]
    if unknown:
        names, names_zh = ", ".join(unknown), "、".join(unknown)
        yield Remark(
            code="venue_rules_unknown",
            en=f"The venue's tick, lot and smallest order are not known of {names}: orders of any "
            "size were filled. `algotrader data download` brings them.",
            zh=f"{names_zh} 的最小变动价位、数量步长与最小委托未知：任意大小的委托均视为可成交。"
            "运行 `algotrader data download` 可取得。",
        )


def _about_margin(result: RunResult) -> Iterator[Remark]:
    for instrument in result.instruments:
        if not instrument.is_spot_like and not instrument.margin.tiers:
            yield Remark(
                code="no_margin_tiers",
                en=f"{instrument.symbol} has no maintenance margin tiers: it was liquidated only "
                "when no margin was left at all, later than a venue does.",
                zh=f"{instrument.symbol} 没有维持保证金档位：仅在保证金耗尽时才强平，晚于交易所。",
            )


def _about_costs(result: RunResult) -> Iterator[Remark]:
    fees_free = all(i.fees.maker == 0 and i.fees.taker == 0 for i in result.instruments)
    slip_free = all(
        i.slippage.bps == 0 and i.slippage.half_spread_bps == 0 for i in result.instruments
    )
    if fees_free:
        yield Remark(code="zero_fees", en="Fees are zero, as was asked.", zh="按要求手续费为零。")
    if slip_free:
        yield Remark(
            code="zero_slippage", en="Slippage is zero, as was asked.", zh="按要求滑点为零。"
        )


def _about_orders(result: RunResult) -> Iterator[Remark]:
    counts = result.simulation.counters
    if len(result.simulation.fills.row) == 0:
        yield _no_trades(result)
    for code, (en, zh) in _COUNTED.items():
        said = code == "below_minimum" and len(result.simulation.fills.row) == 0
        if (count := counts.get(code, 0)) and not said:
            shown = format_number(count, 0)
            yield Remark(code=code, en=en.format(shown), zh=zh.format(shown))


_COUNTED = {
    "liquidations": ("Positions liquidated: {}.", "强平 {} 次。"),
    "below_minimum": (
        "Orders not placed because they were below the venue's minimum: {}.",
        "{} 笔委托低于交易所最小限额，未下单。",
    ),
    "refused_targets": (
        "Targets refused because they were infinite or above 10: {}.",
        "{} 个目标权重为无穷或超过 10，已拒绝。",
    ),
    "negative_spot_targets": (
        "Negative targets taken as 0, because spot cannot be sold short: {}.",
        "{} 个负目标按 0 处理：现货不能做空。",
    ),
    "no_bar": ("Orders denied because their bar was missing: {}.", "{} 笔委托因缺 K 线被拒。"),
    "funding_without_mark": (
        "Funding settled at the last price, for want of a mark price: {} times.",
        "{} 次资金费按最新价结算：没有标记价格。",
    ),
    "impact_skipped": (
        "Fills without market impact, for want of earlier days: {}.",
        "{} 笔成交未计冲击成本：已知天数不足。",
    ),
    "finer_fallback": (
        "Bars travelled by the worst path, for want of finer bars: {}.",
        "{} 根 K 线缺少更细数据，按最差路径处理。",
    ),
}


def _no_trades(result: RunResult) -> Remark:
    """Why nothing was filled; a flat line never goes without a reason."""
    counts = result.simulation.counters
    states = result.simulation.order_state
    below = counts.get("below_minimum", 0)
    if below and below >= len(states):
        return Remark(
            code="no_trades",
            en=f"0 trades: every order was below the {_minimum(result.instruments)}.",
            zh="0 笔交易：所有委托都低于交易所最小限额。",
        )
    if len(states):
        ended = [
            (words, int(np.count_nonzero(states == state)))
            for state, words in _ENDED.items()
            if (states == state).any()
        ]
        return Remark(
            code="no_trades",
            en=f"0 trades: none of {len(states):,} orders was filled: "
            + ", ".join(f"{count:,} {words[0]}" for words, count in ended)
            + ".",
            zh=f"0 笔交易：{len(states):,} 笔委托均未成交："
            + "，".join(f"{words[1]} {count:,}" for words, count in ended)
            + "。",
        )
    if counts.get("refused_targets", 0) or counts.get("negative_spot_targets", 0):
        return Remark(
            code="no_trades",
            en="0 trades: no target that the strategy gave can be held.",
            zh="0 笔交易：策略给出的目标均无法持有。",
        )
    return Remark(
        code="no_trades",
        en="0 trades: the strategy never asked for a position.",
        zh="0 笔交易：策略从未要求持仓。",
    )


_ENDED = {
    OrderState.WORKING: ("still waiting at the end", "结束时仍挂单"),
    OrderState.CANCELLED: ("cancelled", "已撤销"),
    OrderState.EXPIRED: ("expired", "已到期"),
    OrderState.REJECTED: ("rejected as the venue would", "被交易所规则拒绝"),
    OrderState.DENIED: ("denied", "被风控拒绝"),
}


def _minimum(instruments: Sequence[Instrument]) -> str:
    """The venue's least order in words, where it is the same for all instruments."""
    said = {_least_order(instrument) for instrument in instruments}
    return f"venue's {said.pop()}" if len(said) == 1 else "venue's minimum of its instrument"


def _least_order(instrument: Instrument) -> str:
    if instrument.min_notional > 0:
        return f"minimum notional of {format_number(instrument.min_notional, 0)} {instrument.quote}"
    least = max(instrument.min_quantity, instrument.lot)
    return f"minimum quantity of {format_step(least, least)}"


def _bps(rate: object) -> str:
    return f"{format_number(float(str(rate)) * 10_000, 1)} bps"
