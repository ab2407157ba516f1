/** What the engine says in English is told in Chinese with its figures, or left as it was. */
import { describe, expect, it } from "vitest";
import { GLOSSARY } from "./glossary";
import { books } from "@/i18n/told/books";
import { teller } from "@/i18n/told";

const tell = teller(books).sentence;
const HOLES = /\{\w+(?::[str])?\}/g;
const entries: [en: string, zh: string][] = Object.values(books).flatMap((book) => Object.entries(book));

describe("a sentence of the engine", () => {
  it.each([
    ["it costs 12,345.60 with its fee, 9,000.00 is free", "含手续费需要 12,345.60，可用 9,000.00"],
    ["account main is halted", "账户 main 已停机"],
    ["OKX:BTC/USDT would be 45.00% of equity, max_weight allows 40.00% of equity", "OKX:BTC/USDT 将为权益的 45.00%，max_weight 只允许权益的 40.00%"],
    ["orders of account main today would be 4, account.max_orders_per_day allows 3", "账户 main 今日的委托数将为 4，account.max_orders_per_day 只允许 3"],
    ["account main would be more than equity, max_leverage allows 100.00% of equity", "账户 main 将为全部权益以上，max_leverage 只允许权益的 100.00%"],
    ["reject rate is 50.00%, the limit 40.00%", "交易所拒单比例为 50.00%，限额 40.00%"],
    ["margin ratio is not known, 300.00% is the least", "保证金率为未知，不得低于 300.00%"],
    ["it is pending_cancel: ask again", "当前状态：撤单中；稍后重试"],
    ["a stop_loss order is not changed by hand: it would come back; close the position, or stop strategy trend", "止损委托不能人工修改，否则会被重新挂出；请平掉持仓，或停止策略 trend"],
    ["a market order has no limit", "市价委托没有限价价格"],
    ["US:AAPL has no price; equity is 0", "US:AAPL 没有价格；权益为 0"],
    ["wanted 0.6, 0.3 in the backtest; bar OKX:BTC/USDT 2026-10-10 14:00: came late, 5 s after", "目标为 0.6，回测中为 0.3；K 线 OKX:BTC/USDT 2026-10-10 14:00：迟到 5 秒"],
    ["towards +0.5, nothing in the backtest: equity 10,010.5 against 10,000: fills +12.5, fees -2; since 2026-10-10 14:00: bar revised, bar OKX:ETH/USDT 2026-10-10 13:00: close 1 then, 2 today, volume 3 then, 4 today", "目标数量 +0.5，回测中为无：权益 10,010.5，回测中为 10,000：成交 +12.5，手续费 -2；自 2026-10-10 14:00 起：K 线被修订，K 线 OKX:ETH/USDT 2026-10-10 13:00：收盘价当时为 1，今天为 2，成交量当时为 3，今天为 4"],
    ["+0.25 was denied by max_weight: OKX:BTC/USDT would be 45.00% of equity, max_weight allows 40.00% of equity; strategies.trend.fast 20, 30 today", "+0.25 被风控拒绝（max_weight）：OKX:BTC/USDT 将为权益的 45.00%，max_weight 只允许权益的 40.00%；strategies.trend.fast 当时为 20，今天为 30"],
    ["halted by owner (console): 布林线 2.5% 异常, see note", "由 owner（console）停机：布林线 2.5% 异常, see note"],
  ])("%s", (en, zh) => expect(tell(en)).toBe(zh));

  it.each([
    "account main exploded",
    "a sentence that no source says",
    "it is a long story",
    "account main is halted; and something else",
    "what it is has no price",
  ])("is left alone when it is not known whole: %s", (en) => expect(tell(en)).toBeNull());

  it("reads the template that says the most", () => {
    const some = teller({ phrases: {}, settings: {}, parameters: {}, sentences: { "{a} is {b:s}": "甲 {a} {b:s}", "{a} is over {b}": "乙 {a} {b}" } });
    expect(some.sentence("x is over 5")).toBe("乙 x 5");
  });
});

describe("what is told", () => {
  it("keeps every value of a sentence", () => {
    const found = entries.filter(([en, zh]) => [...(en.match(HOLES) ?? [])].sort().join() !== [...(zh.match(HOLES) ?? [])].sort().join());
    expect(found).toEqual([]);
  });
  it("is Chinese", () => expect(entries.filter(([en, zh]) => /[a-z]/.test(en.replace(HOLES, "")) && !/[\u4e00-\u9fff]/.test(zh))).toEqual([]));
  it("calls every term by its name of the glossary", () => {
    const found = entries.flatMap(([en, zh]) => {
      const plain = en.replace(/`[^`]*`|algotrader( [a-z]+)+|--[a-z-]+( [A-Z]+)?|\/api\/\S+/g, " ").replace(HOLES, " ").replace(/\b(too|how|so|as|the) long\b/g, "").replace(/^\w+\.\w+: /, "").toLowerCase();
      return Object.entries(GLOSSARY)
        .filter(([term, names]) => new RegExp(`(?<![\\w.-])${term}(?![\\w:.=-])`).test(plain) && !names.some((n) => zh.includes(n)))
        .map(([term, names]) => `${term} is ${names.join(" or ")}, not in: ${zh}`);
    });
    expect(found).toEqual([]);
  });
  it("is written as Chinese is written", () => {
    const found = entries.filter(([, zh]) =>
      /[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]|您|[\u4e00-\u9fff][,;:!?]|！|[\u4e00-\u9fff] %/.test(zh.replace(/`[^`]*`/g, "").replace(HOLES, "{}")));
    expect(found).toEqual([]);
  });
});
