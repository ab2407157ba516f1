import { words } from "@/i18n/words";

export const orders = {
  title: ["Orders", "委托"],
  context: ["{open} open of {total}", "共 {total} 笔，未成交 {open} 笔"],
  context_open: ["{open} open", "未成交 {open} 笔"],
  part: ["The newest {shown} of {total} are listed; older ones come when the end of the list is reached.", "仅列出最新的 {shown} 笔，共 {total} 笔；滚动到末尾时载入更早的委托。"],
  open: ["Open", "未成交"],
  all: ["All", "全部"],
  unknown: ["Unknown", "结果未知"],
  refused: ["Refused", "被拒"],
  fills: ["Fills", "成交"],
  decided: ["Decided", "决策时间"],
  purpose: ["Purpose", "用途"],
  id: ["Order", "委托"],
  fee: ["Fee", "手续费"],
  liquidity: ["Liquidity", "挂单 / 吃单"],
  trade: ["Venue's id", "交易所成交号"],
  life: ["Order life", "委托生命周期"],
  client_id: ["Client order id", "客户端订单号"],
  venue_id: ["Order id at the venue", "交易所订单号"],
  raw: ["as it was journaled", "日志账原文"],
  row: ["row {seq}", "第 {seq} 行"],
  waited: ["waited {time}", "等待 {time}"],
  filled_of: ["{quantity} at {price}", "{quantity}，价格 {price}"],
  empty: ["No order yet.", "尚无委托。"],
  empty_open: ["No open order.", "没有未成交委托。"],
  empty_step: ["A strategy places orders at the close of its bars.", "策略在 K 线收盘时下单。"],
  empty_fills: ["No fill yet.", "尚无成交。"],
  empty_denied: ["Our rules have denied nothing.", "风控没有拒绝任何委托。"],
  why: ["Why", "原因"],
  unknown_bar: [
    "{n} {n|order has|orders have} an unknown outcome: the venue is asked by client order id, and nothing is sent again until it is known.",
    "{n} 笔委托结果未知：正在按客户端订单号向交易所查询，查明前不会重发。",
  ],
  fees_sum: ["fees {sum}", "手续费合计 {sum}"],
} as const;

export const say = words(orders);
