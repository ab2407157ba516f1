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
  page("/data", "data", () => import("@/pages/Data.vue")),
  page("/journal", "journal", () => import("@/pages/Journal.vue")),
  page("/jobs", "jobs", () => import("@/pages/Jobs.vue")),
  page("/logs", "logs", () => import("@/pages/Logs.vue")),
  page("/settings", "settings", () => import("@/pages/Settings.vue")),
  page("/positions", "positions", () => import("@/pages/Positions.vue")),
  page("/risk", "risk", () => import("@/pages/Risk.vue")),
  page("/assistant", "assistant", () => import("@/pages/Assistant.vue")),
  page("/more", "more", () => import("@/pages/More.vue")),
  { path: "/login", name: "login", component: () => import("@/pages/Login.vue"), meta: { open: true } },
  page("/:rest(.*)", "missing", () => import("@/pages/Missing.vue")),
];

export const router = createRouter({ history: createWebHistory(), routes });

router.beforeEach(async (to) => {
  if (to.meta.open || (await signedIn())) return true;
  return { name: "login", query: to.fullPath === "/" ? {} : { then: to.fullPath } };
});
