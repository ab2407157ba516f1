/** What each term of the field is called in Chinese; several where the context decides. */
export const GLOSSARY: Readonly<Record<string, readonly string[]>> = {
  account: ["账户"], alert: ["告警"], "annual return": ["年化收益"], backtest: ["回测"], "bar close": ["K 线收盘"],
  "buy and hold": ["买入持有"], benchmark: ["基准"], cash: ["现金"], "client order id": ["客户端订单号"],
  completeness: ["完整率"], coverage: ["覆盖率"], compare: ["对比"], decision: ["决策"], "deflated sharpe": ["紧缩夏普"],
  denied: ["风控拒绝", "风控没有拒绝"], rejected: ["交易所拒单"], drawdown: ["回撤"], equity: ["权益"], expired: ["已失效"],
  feature: ["特征"], fee: ["手续费"], fees: ["手续费"], "funding rate": ["资金费率"], funding: ["资金费"], gap: ["缺口"],
  halt: ["停机"], headroom: ["余量"], "heart-beat": ["心跳"], job: ["任务"], journal: ["日志账", "记账"],
  leverage: ["杠杆"], "limit order": ["限价单"], "market order": ["市价单"], long: ["做多"], maker: ["挂单"], taker: ["吃单"],
  "mark price": ["标记价格"], notional: ["名义金额"], "open order": ["未成交委托"], "order life": ["委托生命周期"],
  "outcome unknown": ["结果未知"], overfitting: ["过拟合"], parity: ["一致性"], position: ["持仓"], "post-only": ["只挂单"],
  "profit factor": ["盈亏因子"], "re-arm": ["解除停机"], realised: ["已实现"], unrealised: ["未实现"], "reduce-only": ["只减仓"],
  sharpe: ["夏普"], sortino: ["索提诺"], calmar: ["卡玛"], slippage: ["滑点"], strategy: ["策略"], sweep: ["参数扫描"],
  tripped: ["触发"], turnover: ["换手"], venue: ["交易所"], verdict: ["结论"], volatility: ["波动率"], "walk-forward": ["滚动前推"],
  "warm-up": ["预热期"], "win rate": ["胜率"], workspace: ["工作区"], symbol: ["代码"], fill: ["成交"], flatten: ["全部平仓", "平掉"],
  "take-profit": ["止盈"], "stop-loss": ["止损"], "trailing stop": ["移动止损"],
};
