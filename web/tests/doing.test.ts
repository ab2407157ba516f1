/** What was asked of the trader: accepted, at work, and done are three things. */
import { describe, expect, it } from "vitest";
import { doingOf } from "@/frame/doing";

const main = (over = {}) => ({ account: "main", mode: "halted", to_cancel: 0 as number | null, to_close: 0 as number | null, ...over });
const trip = (kind: string, over = {}) => ({ seq: 9, kind, account: "main", text: null, ...over });
const stage = (...args: Parameters<typeof doingOf>) => doingOf(...args).stage;

describe("a halt", () => {
  it("that the trader has not taken up is not done, though the account was halted before", () => {
    expect(stage("halt", main(), [])).toBe("left");
    expect(stage("halt", main(), [trip("HaltRequested", { account: "other" })])).toBe("left");
  });
  it("is done once nothing is left to cancel, and not before", () => {
    const taken = [trip("HaltRequested")];
    expect(stage("halt", main({ mode: "trading" }), taken)).toBe("working");
    expect(stage("halt", main({ to_cancel: 2 }), taken)).toBe("working");
    expect(stage("halt", main(), taken)).toBe("done");
  });
  it("of an account that cannot be judged is never called done", () => {
    expect(stage("halt", main({ to_cancel: null, to_close: null }), [trip("HaltRequested")])).toBe("unclear");
  });
});

describe("a flatten", () => {
  it("is done once what can be closed is closed", () => {
    expect(stage("flatten", main({ to_close: 1 }), [trip("HaltRequested")])).toBe("working");
    expect(stage("flatten", main(), [trip("HaltRequested")])).toBe("done");
  });
});

describe("a re-arm", () => {
  it("is done once the account trades, and a refusal says why", () => {
    const taken = trip("RearmRequested");
    expect(stage("resume", main(), [taken])).toBe("working");
    expect(stage("resume", main({ mode: "trading" }), [trip("Rearmed"), taken])).toBe("done");
    const refused = doingOf("resume", main(), [trip("RearmRefused", { text: "drawdown is still over" }), taken]);
    expect([refused.stage, refused.why]).toEqual(["refused", "drawdown is still over"]);
  });
});
