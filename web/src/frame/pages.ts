/** The pages in their groups, and the letter after `g` that jumps to each. */
export const GROUPS = [
  { group: "watch", pages: [["overview", "o"], ["markets", "m"], ["orders", "d"], ["positions", "p"]] },
  { group: "decide", pages: [["strategies", "s"], ["risk", "r"], ["assistant", "a"], ["approvals", "v"], ["manual", "n"]] },
  { group: "research", pages: [["backtests", "b"], ["walkforward", "w"], ["parity", "y"], ["data", "t"]] },
  { group: "plant", pages: [["journal", "j"], ["jobs", "q"], ["logs", "l"], ["settings", "e"]] },
] as const;

export type PageName = (typeof GROUPS)[number]["pages"][number][0];

export const PAGES = GROUPS.flatMap((g) => g.pages.map(([name, letter]) => ({ name, letter })));
