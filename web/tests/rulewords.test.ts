/** Words of the rule language stay English; beside them stands what they mean, in the person's language. */
import { mount } from "@vue/test-utils";
import { afterEach, expect, it, vi } from "vitest";
import { appearance } from "@/lib/appearance";
import RuleWords from "@/pages/risk/RuleWords.vue";

const word = (name: string, meaning: string) => ({ name, of: "account", kind: "a fraction", meaning, live_only: false });
const words = [word("drawdown", "fall from the peak since the last re-arming (R28)"), word("volatility(bars)", "standard deviation (ddof 1) of the last log returns, per bar"), word("equity", "equity of the account (R8)")];
afterEach(() => (appearance.language = "en"));
const told = (when: string) => mount(RuleWords, { props: { when, words } }).findAll("li").map((one) => one.text());

it("tells each name of a condition once, in the order in which they come", () => {
  expect(told("drawdown > 10% or volatility(20) > 2 * volatility(200)")).toEqual([
    "drawdown: fall from the peak since the last re-arming (R28)", "or: one of the two holds, or both", "volatility(bars): standard deviation (ddof 1) of the last log returns, per bar",
  ]);
});

it("tells it in Chinese in the Chinese console", async () => {
  appearance.language = "zh";
  await vi.waitFor(() => expect(told("not drawdown > 10%")).toEqual(["not：非，其后的条件不成立", "drawdown：自上次解除停机以来，从最高点的回撤"]));
});
