import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import { signedIn } from "@/lib/session";

const page = (path: string, name: string, component: RouteRecordRaw["component"]) =>
  ({ path, name, component }) as RouteRecordRaw;

export const routes: RouteRecordRaw[] = [
  page("/", "overview", () => import("@/pages/Overview.vue")),
  page("/orders/:order?", "orders", () => import("@/pages/Orders.vue")),
  page("/markets/:symbol(.*)?", "markets", () => import("@/pages/Missing.vue")),
  page("/strategies/:name?", "strategies", () => import("@/pages/Missing.vue")),
  page("/backtests/:rest(.*)?", "backtests", () => import("@/pages/Missing.vue")),
  page("/data", "data", () => import("@/pages/Missing.vue")),
  page("/journal", "journal", () => import("@/pages/Missing.vue")),
  page("/jobs", "jobs", () => import("@/pages/Missing.vue")),
  page("/logs", "logs", () => import("@/pages/Missing.vue")),
  page("/settings", "settings", () => import("@/pages/Missing.vue")),
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
