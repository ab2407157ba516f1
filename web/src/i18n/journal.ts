import { tokens, words } from "@/i18n/words";
export const journal = {
  contains: ["Rows that hold", "包含"],
  contains_hint: ["a strategy, symbol or order id", "策略、代码或订单号"],
  previous: ["Hash before", "前一行哈希"],
  topic: ["Topic", "主题"],
  raw: ["As it was written", "原始内容"],
  then: ["As it was then", "当时的状态"],
  then_open: ["State at a moment…", "任意时刻的状态…"],
  then_here: ["State after this row", "此行之后的状态"],
  then_note: ["folded from the journal up to row {seq}, {time}", "由日志账截至第 {seq} 行（{time}）的记录重建"],
  then_row: ["Row", "行"],
  then_moment: ["Moment, UTC", "时刻 (UTC)"],
  then_reading: ["The past is being read…", "正在读取历史…"],
  then_close: ["Back to now", "返回当前"],
  positions: ["Positions", "持仓"],
  orders: ["Open orders", "未成交委托"],
  limits: ["Limits", "限额"],
  nothing_held: ["Nothing was held.", "当时没有持仓。"],
  nothing_open: ["No order was open.", "当时没有未成交委托。"],
  none_fits: ["No row holds this.", "没有包含它的行。"],
  earlier: ["One row earlier", "前一行"],
  later: ["One row later", "后一行"],
} as const;
export const say = words(journal);
/** Fields of events, as the short text names them. */
export const field = tokens({
  side: ["side", "方向"], quantity: ["quantity", "数量"], price: ["price", "价格"], status: ["state", "状态"], rule: ["rule", "规则"],
  outcome: ["outcome", "结果"], mode: ["mode", "模式"], reason: ["reason", "原因"], target: ["target", "目标权重"], equity: ["equity", "权益"],
  close: ["close", "收盘"], equity_after: ["equity after", "之后权益"], text: ["text", "说明"], value: ["value", "值"], limit: ["limit", "限价"],
  action: ["action", "动作"], by: ["by", "来源"], amount: ["amount", "金额"], gross: ["gross", "总敞口"], fee: ["fee", "手续费"],
});
