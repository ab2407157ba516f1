"""What is answered to a person who asks by messenger, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["en", "zh"]

OF_COMMANDS: Final[Mapping[str, Mapping[Language, str]]] = {
    "help": {
        "en": "What I understand:\n"
        "/status  accounts, limits, what is stopped\n"
        "/positions  what is held\n"
        "/orders  open orders\n"
        "/profit  profit of today, 7 and 30 days, and in all\n"
        "/daily  equity of the last days\n"
        "/balance  cash and deposits\n"
        "/halt [account]  stop trading at once\n"
        "/resume [account]  trade again, once confirmed\n"
        "/flatten [account]  close everything and stop, once confirmed",
        "zh": "可用命令：\n"
        "/status  账户、限额、停止原因\n"
        "/positions  持仓\n"
        "/orders  未成交委托\n"
        "/profit  今日、7 天、30 天和累计盈亏\n"
        "/daily  最近几天的权益\n"
        "/balance  现金和入金\n"
        "/halt [账户]  立即停止交易\n"
        "/resume [账户]  确认后恢复交易\n"
        "/flatten [账户]  确认后全部平仓并停止",
    },
    "not_understood": {
        "en": "I do not understand {word}. /help lists what I do.",
        "zh": "不认识 {word}。/help 列出全部命令。",
    },
    "no_account": {
        "en": "No strategy trades on account {account}. Accounts are: {known}.",
        "zh": "没有策略使用账户 {account}。可用账户：{known}。",
    },
    "too_old": {
        "en": "This is {age} old and was not done. Send it again if you still want it.",
        "zh": "该命令是 {age} 前发送的，未执行。如仍需要请重新发送。",
    },
    "unread": {"en": "It cannot be read: {reason}", "zh": "无法读取：{reason}"},
    "unwritten": {
        "en": "It could not be asked: {reason}. End the trader's process instead.",
        "zh": "请求写入失败：{reason}。请直接结束交易进程。",
    },
    "halt_asked": {
        "en": "Halt asked: {accounts}. The trader obeys with its next step.",
        "zh": "已请求停止：{accounts}。交易程序将在下一步执行。",
    },
    "resume_asked": {
        "en": "Resume asked: {accounts}.",
        "zh": "已请求恢复：{accounts}。",
    },
    "flatten_asked": {
        "en": "Flatten asked: {accounts}. Everything is closed, then trading stops.",
        "zh": "已请求平仓：{accounts}。全部平仓后停止交易。",
    },
    "confirm_resume": {
        "en": "Let {accounts} trade again?",
        "zh": "确定恢复 {accounts} 的交易吗？",
    },
    "confirm_flatten": {
        "en": "Close every position of {accounts} at the market, and stop?",
        "zh": "确定以市价平掉 {accounts} 的全部持仓并停止吗？",
    },
    "yes": {"en": "Confirm", "zh": "确认"},
    "no": {"en": "Cancel", "zh": "取消"},
    "not_done": {"en": "Nothing was done.", "zh": "未执行任何操作。"},
    "expired": {
        "en": "This question has expired. Ask again.",
        "zh": "该确认已过期，请重新发送命令。",
    },
    "account_line": {
        "en": "{account}: {mode}\nequity {equity} {currency} ({result})\n"
        "{positions} positions, {orders} open orders, decided last {time}",
        "zh": "{account}：{mode}\n权益 {equity} {currency}（{result}）\n"
        "持仓 {positions}，未成交委托 {orders}，最近决策 {time}",
    },
    "hold_line": {
        "en": "stopped: {where} by {rule}: {why}",
        "zh": "限制：{where}，规则 {rule}：{why}",
    },
    "balance_line": {
        "en": "{account}\nequity {equity} {currency}\ncash {cash}\ndeposits {deposits}",
        "zh": "{account}\n权益 {equity} {currency}\n现金 {cash}\n入金 {deposits}",
    },
    "position_line": {
        "en": "{instrument} {quantity}, entry {entry}, now {mark}, {profit}\n{strategy}, {account}",
        "zh": "{instrument} {quantity}，均价 {entry}，现价 {mark}，盈亏 {profit}\n{strategy}，{account}",
    },
    "order_line": {
        "en": "{side} {quantity} {instrument}, {filled} filled, {status}, limit {limit}\n"
        "{strategy}, {account}",
        "zh": "{side} {instrument} {quantity}，已成交 {filled}，{status}，限价 {limit}\n"
        "{strategy}，{account}",
    },
    "no_equity": {"en": "its worth is not known: {why}", "zh": "权益未知：{why}"},
    "no_accounts": {"en": "No account is known yet.", "zh": "暂无账户。"},
    "no_positions": {"en": "Nothing is held.", "zh": "没有持仓。"},
    "no_orders": {"en": "No order is open.", "zh": "没有未成交委托。"},
    "profit_line": {
        "en": "today {day}\n7 days {week}\n30 days {month}\nin all {total} {currency}",
        "zh": "今日 {day}\n7 天 {week}\n30 天 {month}\n累计 {total} {currency}",
    },
    "daily_line": {"en": "{day}  {equity}  {change}", "zh": "{day}  {equity}  {change}"},
    "no_days": {"en": "{account}: no day is over yet.", "zh": "{account}：暂无按日数据。"},
    "status_word_pending": {"en": "sent, no answer yet", "zh": "已发送，等待确认"},
    "status_word_accepted": {"en": "open", "zh": "未成交"},
    "status_word_triggered": {"en": "triggered", "zh": "已触发"},
    "status_word_partially_filled": {"en": "partly filled", "zh": "部分成交"},
    "status_word_pending_cancel": {"en": "being cancelled", "zh": "撤单中"},
    "status_word_pending_amend": {"en": "being changed", "zh": "改单中"},
    "status_word_settling": {"en": "ended, fills still to come", "zh": "已结束，等待成交明细"},
    "status_word_unknown": {"en": "no answer, being asked about", "zh": "无回应，正在查询"},
    "trader_not_running": {
        "en": "The trader is not running: nothing is decided or sent.",
        "zh": "交易程序未运行：不会决策或下单。",
    },
    "trader_silent": {
        "en": "The trader is there and silent: read its log.",
        "zh": "交易程序没有响应：请查看日志。",
    },
    "waiting_line": {
        "en": "waiting: {asked} of {of}, by {by}: {reason}",
        "zh": "等待执行：{of} {asked}，操作者 {by}：{reason}",
    },
}
