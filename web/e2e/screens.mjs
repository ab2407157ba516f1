/**
 * Pictures of every page in both languages and themes, at desk and phone size, into web/screens.
 * `node e2e/screens.mjs URL PASSWORD [page ...]`; a page is its path, as `/risk`.
 */
import { mkdirSync } from "node:fs";
import { browser } from "./browser.mjs";

const [url, password, ...asked] = process.argv.slice(2);
const PAGES = asked.length ? asked : ["/", "/markets", "/orders", "/orders?tab=fills", "/positions", "/strategies", "/risk", "/assistant", "/backtests", "/data", "/journal", "/jobs", "/logs", "/settings", "/login"];
const LOOKS = (process.env.LOOKS ?? "en-dark,zh-light,en-light,zh-dark").split(",");
const SIZES = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const sizes = (process.env.SIZES ?? "desk,phone").split(",");
mkdirSync("screens", { recursive: true });
const chromium = await browser();
const problems = [];
for (const look of LOOKS) {
  const [language, theme] = look.split("-");
  const context = await chromium.newContext({ locale: language === "zh" ? "zh-CN" : "en-GB", baseURL: url });
  await context.addInitScript((chosen) => localStorage.setItem("appearance", JSON.stringify(chosen)), { language, theme, profit: language === "zh" ? "red" : "green" });
  const page = await context.newPage();
  page.on("console", (m) => m.type() === "error" && problems.push(`${look} ${page.url()}: ${m.text()}`));
  page.on("pageerror", (e) => problems.push(`${look} ${page.url()}: ${e.message}`));
  await page.goto("/login");
  await page.fill("[data-test=password]", password);
  await page.click("[data-test=sign-in]");
  await page.waitForSelector(".app");
  for (const size of sizes) {
    await page.setViewportSize(SIZES[size]);
    for (const path of PAGES) {
      await page.goto(path);
      await page.waitForTimeout(Number(process.env.SETTLE ?? 900));
      const name = path.replace(/[^\w]+/g, "-").replace(/^-|-$/g, "") || "overview";
      await page.screenshot({ path: `screens/${name}-${size}-${theme}-${language}.png` });
    }
  }
  await context.close();
}
await chromium.close();
for (const problem of [...new Set(problems)]) console.log(problem);
