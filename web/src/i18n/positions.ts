import { words } from "@/i18n/words";
export const positions = {
  title: ["Positions", "持仓"],
  context: ["{n} {n|position|positions}", "{n} 个持仓"],
  entry: ["Entry", "进场均价"],
  mark: ["Mark", "标记价格"],
  unrealised: ["Unrealised", "未实现盈亏"],
  change: ["Change", "涨跌"],
  notional: ["Notional", "名义金额"],
  weight: ["Weight", "权重"],
  empty: ["No position.", "没有持仓。"],
  empty_step: ["Strategies open them at the close of their bars; orders say why not.", "策略在 K 线收盘时开仓，未开仓的原因见委托。"],
  no_mark: ["no bar of it has closed in this run yet", "本次运行中尚无收盘 K 线"],
  total: ["Unrealised in all", "未实现盈亏合计"],
} as const;
export const say = words(positions);
