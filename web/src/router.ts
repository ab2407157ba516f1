import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import { signedIn } from "@/lib/session";

const page = (path: string, name: string, component: RouteRecordRaw["component"]) =>
  ({ path, name, component }) as RouteRecordRaw;

export const routes: RouteRecordRaw[] = [
  page("/", "overview", () => import("@/pages/Overview.vue")),
  page("/orders/:order?", "orders", () => import("@/pages/Orders.vue")),
  page("/markets/:symbol(.*)?", "markets", () => import("@/pages/Markets.vue")),
  page("/strategies/:name?", "strategies", () => import("@/pages/Strategies.vue")),
  page("/backtests/:rest(.*)?", "backtests", () => import("@/pages/Backtests.vue")),
  page("/walkforward/:name?", "walkforward", () => import("@/pages/WalkForward.vue")),
  page("/parity/:work?", "parity", () => import("@/pages/Parity.vue")),
  page("/data", "data", () => import("@/pages/Data.vue")),
  page("/journal", "journal", () => import("@/pages/Journal.vue")),
  page("/jobs", "jobs", () => import("@/pages/Jobs.vue")),
  page("/logs", "logs", () => import("@/pages/Logs.vue")),
  page("/settings", "settings", () => import("@/pages/Settings.vue")),
  page("/positions", "positions", () => import("@/pages/Positions.vue")),
  page("/risk", "risk", () => import("@/pages/Risk.vue")),
  page("/assistant", "assistant", () => import("@/pages/Assistant.vue")),
  page("/approvals", "approvals", () => import("@/pages/Approvals.vue")),
  page("/manual", "manual", () => import("@/pages/Manual.vue")),
  page("/more", "more", () => import("@/pages/More.vue")),
  { path: "/login", name: "login", component: () => import("@/pages/Login.vue"), meta: { open: true } },
  page("/:rest(.*)", "missing", () => import("@/pages/Missing.vue")),
];

export const router = createRouter({ history: createWebHistory(), routes });

/** The page's own file is fetched while the server is asked who is signed in. */
function begin(path: string): void {
  for (const { components } of router.resolve(path).matched) {
    const load = components?.default;
    if (typeof load === "function") void (load as () => Promise<unknown>)();
  }
}

/** Once the first page stands, the others are fetched: a change of page waits for no file. */
export function beginAll(): void {
  const load = () => routes.forEach((route) => begin(route.path.replace(/:.*$/, "")));
  if ("requestIdleCallback" in window) requestIdleCallback(load, { timeout: 3_000 });
  else setTimeout(load, 1_000);
}

router.beforeEach(async (to) => {
  begin(to.fullPath);
  if (to.meta.open || (await signedIn())) return true;
  return { name: "login", query: to.fullPath === "/" ? {} : { then: to.fullPath } };
});
