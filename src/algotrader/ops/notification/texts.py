"""Every sentence that a person is sent, in English and Chinese; `CATALOGUE` has them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from algotrader.core.instants import utc_at
from algotrader.core.ports import Severity
from algotrader.ops.notification.alerts import Message, Parcel
from algotrader.ops.notification.command_texts import OF_COMMANDS, Language

_LINES: Final = 120  # of a digest

_OF_MESSAGES: Final[Mapping[str, Mapping[Language, str]]] = {
    # Of messages themselves
    "digest": {"en": "{count} messages", "zh": "{count} 条消息"},
    "more": {"en": "and {count} more", "zh": "另有 {count} 条"},
    "left_out": {
        "en": "{count} went unsent for want of room, of all times",
        "zh": "因积压过多，累计有 {count} 条未发送",
    },
    "gone": {
        "en": "{count} messages were not kept: no disk took them",
        "zh": "{count} 条消息未能保留：磁盘无法写入",
    },
    "gone_text": {
        "en": "The oldest went: {critical} critical, {important} important, {info} for information. "
        "They may not have been sent. The log names the critical ones; look at the console.",
        "zh": "最旧的已被丢弃：严重 {critical} 条，重要 {important} 条，普通 {info} 条。它们可能没有发出。"
        "严重消息的内容见日志；请查看控制台。",
    },
    "repeated": {
        "en": "{count} more like it since, the last at {time}",
        "zh": "此后又发生 {count} 次，最近一次 {time}",
    },
    "at": {"en": "at {time}", "zh": "时间 {time}"},
    "channel_broken": {"en": "Channel {name} does not deliver", "zh": "通道 {name} 无法送达"},
    "channel_off": {
        "en": "{trouble}. It is not tried again before the next start: mend the settings.",
        "zh": "{trouble}。修正设置并重新启动之前不再尝试。",
    },
    "channel_retried": {
        "en": "{trouble}. It is tried again; what waits for it is kept.",
        "zh": "{trouble}。将继续重试，待发消息已保留。",
    },
    "test_title": {"en": "A test", "zh": "测试消息"},
    "test_text": {
        "en": "AlgorithmTrader can reach you by {name}.",
        "zh": "AlgorithmTrader 可以通过 {name} 联系到你。",
    },
    # Orders, fills, positions
    "buy": {"en": "Buy", "zh": "买入"},
    "sell": {"en": "Sell", "zh": "卖出"},
    "bought": {"en": "Bought", "zh": "已买入"},
    "sold": {"en": "Sold", "zh": "已卖出"},
    "order": {
        "en": "{side} order: {quantity} {instrument} {terms}",
        "zh": "{side}委托：{instrument} {quantity} {terms}",
    },
    "market": {"en": "at the market", "zh": "市价"},
    "limit": {"en": "at {price} or better", "zh": "限价 {price}"},
    "stop": {"en": "from {price} on", "zh": "触发价 {price}"},
    "by_strategy": {
        "en": "strategy {strategy}, account {account}",
        "zh": "策略 {strategy}，账户 {account}",
    },
    "fill": {
        "en": "{side} {quantity} {instrument} at {price}",
        "zh": "{side} {instrument} {quantity}，价格 {price}",
    },
    "fill_text": {
        "en": "account {account}, fee {fee} {currency}, {time}",
        "zh": "账户 {account}，手续费 {fee} {currency}，{time}",
    },
    "fill_foreign": {
        "en": "Not an order of ours: somebody traded on the venue by hand.",
        "zh": "不是本系统的委托：有人在交易所手动成交。",
    },
    "opened": {
        "en": "{strategy} opened {quantity} {instrument} at {price}",
        "zh": "{strategy} 开仓 {instrument} {quantity}，均价 {price}",
    },
    "closed": {
        "en": "{strategy} closed {instrument}: {profit} {currency}",
        "zh": "{strategy} 平仓 {instrument}：{profit} {currency}",
    },
    "closed_text": {
        "en": "profit since it was opened, before fees; account {account}",
        "zh": "自开仓以来的盈亏（未计手续费）；账户 {account}",
    },
    "rejected": {
        "en": "{instrument}: the venue refused an order",
        "zh": "{instrument}：交易所拒绝了委托",
    },
    "reason": {"en": "{reason} ({code})", "zh": "原因：{reason}（{code}）"},
    "order_of": {"en": "order {order}, account {account}", "zh": "委托 {order}，账户 {account}"},
    "unknown": {
        "en": "{instrument}: no answer to an order, it is being asked about",
        "zh": "{instrument}：委托没有回应，正在查询",
    },
    "impossible": {
        "en": "{instrument}: the venue told what cannot be",
        "zh": "{instrument}：交易所返回了不可能的结果",
    },
    "signal": {"en": "{instrument}: {name}", "zh": "{instrument}：信号 {name}"},
    # Risk and modes
    "tripped": {"en": "{where}: {action} by {rule}", "zh": "{where}：{action}，规则 {rule}"},
    "everything": {"en": "all accounts", "zh": "全部账户"},
    "value_limit": {"en": "{value}, the limit is {limit}", "zh": "当前 {value}，上限 {limit}"},
    "cleared": {"en": "{where}: {rule} is over", "zh": "{where}：规则 {rule} 已解除"},
    "rearmed": {"en": "{where}: trading goes on", "zh": "{where}：恢复交易"},
    "rearm_refused": {"en": "{where}: trading stays stopped", "zh": "{where}：仍然停止交易"},
    "by_whom": {"en": "by {by}: {reason}", "zh": "操作者 {by}：{reason}"},
    "limit_changed": {
        "en": "Limit {key}: {before} → {after}",
        "zh": "限额 {key}：{before} → {after}",
    },
    "limit_refused": {"en": "Limit {key} stays as it was", "zh": "限额 {key} 保持不变"},
    "unguarded": {
        "en": "{instrument} is held without its stop",
        "zh": "{instrument} 持仓缺少止损单",
    },
    "guarded": {"en": "{instrument} has its stop again", "zh": "{instrument} 止损单已恢复"},
    "left_alone": {
        "en": "{instrument}: {quantity} at the venue is left alone",
        "zh": "{instrument}：交易所上的 {quantity} 不归本系统管理",
    },
    "left_alone_text": {
        "en": "It is held beside ours in account {account}, shown, and never traded.",
        "zh": "账户 {account} 中有非本系统的持仓，只显示，不交易。",
    },
    "instrument_changed": {
        "en": "{instrument}: the venue changed its terms",
        "zh": "{instrument}：交易所修改了交易规则",
    },
    "frozen": {
        "en": "{instrument}: the venue takes no order of it",
        "zh": "{instrument}：交易所暂停接受委托",
    },
    "strategy_reloaded": {
        "en": "Strategy {strategy} decides anew from here on",
        "zh": "策略 {strategy} 已重新加载",
    },
    "strategy_not_reloaded": {
        "en": "Strategy {strategy} could not be changed, it goes on as it was",
        "zh": "策略 {strategy} 未能变更，继续按原样运行",
    },
    "parameters_set": {
        "en": "Strategy {strategy} decides with other parameters",
        "zh": "策略 {strategy} 的参数已修改",
    },
    "strategy_unloaded": {
        "en": "Strategy {strategy} is unloaded, it decides no more",
        "zh": "策略 {strategy} 已卸载，不再决策",
    },
    "settings_reloaded": {"en": "Settings were read again", "zh": "已重新读取设置"},
    "settings_refused": {
        "en": "Settings could not be read again, the old ones hold",
        "zh": "重新读取设置失败，继续使用原设置",
    },
    "not_changed": {"en": "{key} stays: {why}", "zh": "{key} 不变：{why}"},
    "channels_kept": {
        "en": "The new channels cannot be used, the old ones hold",
        "zh": "新通道不可用，继续使用原通道",
    },
    "liquidated": {
        "en": "{instrument}: the venue liquidated {quantity} at {price}",
        "zh": "{instrument}：交易所强制平仓 {quantity}，价格 {price}",
    },
    "warn": {"en": "warning", "zh": "警告"},
    "scale": {"en": "smaller targets", "zh": "缩小目标仓位"},
    "reduce_only": {"en": "only reductions", "zh": "只减仓"},
    "halt": {"en": "trading stopped", "zh": "停止交易"},
    "flatten": {"en": "closing everything", "zh": "全部平仓"},
    "mode_trading": {"en": "{account} trades", "zh": "{account} 正在交易"},
    "mode_starting": {"en": "{account}: the trader starts", "zh": "{account}：交易程序启动"},
    "mode_reduce_only": {"en": "{account} only reduces", "zh": "{account} 只减仓"},
    "mode_halted": {"en": "{account} is stopped", "zh": "{account} 已停止交易"},
    "strategy_failed": {
        "en": "Strategy {strategy} is stopped, its position is held",
        "zh": "策略 {strategy} 已停止，保留持仓",
    },
    # Data
    "late": {
        "en": "{instrument}: a late bar came, the gap at {time} is closed",
        "zh": "{instrument}：迟到的K线已补齐 {time} 的缺口",
    },
    "gap": {
        "en": "No bar of {instruments} at {time}",
        "zh": "{instruments} 缺少 {time} 的K线",
    },
    "gap_text": {
        "en": "The {timeframe} step went on without it.",
        "zh": "{timeframe} 周期在缺少它的情况下继续。",
    },
    "silent": {"en": "{component} is silent", "zh": "{component} 没有数据"},
    "silent_text": {
        "en": "last heard of {time}; {allowed} is allowed",
        "zh": "最后一次 {time}；允许 {allowed}",
    },
    "never": {"en": "never", "zh": "从未"},
    "heard_again": {"en": "{component} is heard again", "zh": "{component} 已恢复"},
    "caught_up": {
        "en": "{strategy} caught up with {bars} missed bars",
        "zh": "{strategy} 已补上错过的 {bars} 根K线",
    },
    "mode_word_trading": {"en": "trading", "zh": "交易中"},
    "mode_word_starting": {"en": "starting", "zh": "启动中"},
    "mode_word_reduce_only": {"en": "only reducing", "zh": "只减仓"},
    "mode_word_halted": {"en": "STOPPED", "zh": "已停止"},
    "summary_title": {"en": "{account}: summary of {day}", "zh": "{account}：{day} 汇总"},
    "conflict": {
        "en": "Another program listens with the same bot",
        "zh": "另一个程序正在使用同一个机器人",
    },
    "conflict_text": {
        "en": "Two traders, or a trader and a notifier, share one token: commands reach only one "
        "of them. End one, or give each a bot of its own.",
        "zh": "两个程序共用一个令牌，命令只会到达其中一个。请结束其中一个，或为它们分别创建机器人。",
    },
    # Of research
    "finished_backtest": {"en": "Backtest of {name} is done", "zh": "{name} 回测完成"},
    "finished_sweep": {"en": "Sweep of {name} is done", "zh": "{name} 参数扫描完成"},
    "figures": {
        "en": "total return {total}, Sharpe {sharpe}, maximum drawdown {drawdown}",
        "zh": "总收益 {total}，夏普 {sharpe}，最大回撤 {drawdown}",
    },
    # What the trader says by itself
    "alert_group": {"en": "A group of orders was evened out", "zh": "委托组已重新配平"},
    "alert_vanished": {"en": "An order is gone from the venue", "zh": "交易所找不到委托"},
    "alert_unguarded": {
        "en": "A position has had no live stop for too long",
        "zh": "持仓过久没有有效止损",
    },
    "alert_silent": {"en": "No data comes", "zh": "没有收到数据"},
    "alert_back": {"en": "Data comes again", "zh": "数据已恢复"},
    "alert_gap": {"en": "A gap stays in the data", "zh": "数据缺口无法补齐"},
    "alert_job": {"en": "A job failed", "zh": "定时任务失败"},
    "alert_journal": {"en": "The journal cannot be written", "zh": "交易日志无法写入"},
    # Of who reads the journal
    "journal_unread": {
        "en": "The journal cannot be read: what happens is not told",
        "zh": "无法读取交易日志：发生的事情不会通知",
    },
    "row_untold": {
        "en": "Something happened that cannot be told",
        "zh": "发生了一件无法通知的事",
    },
    "row_untold_text": {
        "en": "Row {row} of the journal is of the kind {kind}: {trouble}. Look at the console.",
        "zh": "交易日志第 {row} 行，类型 {kind}：{trouble}。请查看控制台。",
    },
    "alert": {"en": "The trader says", "zh": "交易程序提示"},
}
CATALOGUE: Final = {**_OF_MESSAGES, **OF_COMMANDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The catalogue in one language, with times by the clock of one zone."""

    language: Language = "en"
    zone: str = "UTC"

    def say(self, key: str, /, **fields: object) -> str:
        """A sentence with its fields filled in. KeyError for one that is not there."""
        return CATALOGUE[key][self.language].format(**fields)

    def has(self, key: str) -> bool:
        return key in CATALOGUE

    def time(self, at_ms: int) -> str:
        return utc_at(at_ms).astimezone(ZoneInfo(self.zone)).strftime("%m-%d %H:%M:%S")

    def day(self, at_ms: int) -> str:
        return utc_at(at_ms).astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d")

    def parcel(self, parcel: Parcel, left_out: int = 0) -> tuple[str, str]:
        """Title and text of what is sent; a digest says how many went for want of room."""
        if not parcel.is_digest:
            message = parcel.waiting[0].message
            return message.notice.title, "\n".join(self._lines(message))
        count = len(parcel.waiting)
        shown = [waiting.message for waiting in parcel.waiting[-_LINES:]]
        lines = [f"{self.time(one.at_ms)} {self._short(one)}" for one in shown]
        if count > _LINES:
            lines.append(self.say("more", count=count - _LINES))
        if left_out:
            lines.append(self.say("left_out", count=left_out))
        return self.say("digest", count=count), "\n".join(lines)

    def channel_broken(self, name: str, trouble: str, *, for_good: bool) -> tuple[str, str]:
        key = "channel_off" if for_good else "channel_retried"
        return self.say("channel_broken", name=name), self.say(key, trouble=trouble)

    def _short(self, message: Message) -> str:
        """One line: the title, of what is more than information also how its text begins."""
        notice = message.notice
        first = notice.text.partition("\n")[0]
        is_more = notice.severity is not Severity.INFO and first not in ("", notice.title)
        repeats = f" (+{message.repeated})" if message.repeated else ""
        return f"{notice.title}: {first}{repeats}" if is_more else f"{notice.title}{repeats}"

    def _lines(self, message: Message) -> list[str]:
        notice = message.notice
        lines = [] if notice.text == notice.title else [notice.text]
        if message.repeated:
            time = self.time(message.at_ms)
            lines.append(self.say("repeated", count=message.repeated, time=time))
        return lines
