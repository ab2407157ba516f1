// Language, theme and profit colours: the address, then what was chosen before, then the system's.
(() => {
  const root = document.documentElement, query = new URLSearchParams(location.search);
  root.dataset.scripts = "on";
  const allowed = { lang: ["en", "zh"], theme: ["light", "dark"], profit: ["green", "red"] };
  const remembered = name => { try { return localStorage.getItem(`algotrader.report.${name}`); } catch { return null; } };
  const pick = (name, natural) => [query.get(name), remembered(name), natural].find(value => allowed[name].includes(value));
  root.lang = pick("lang", root.dataset.lang || (/^zh/i.test(navigator.language) ? "zh" : "en"));
  root.dataset.theme = pick("theme", matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  root.dataset.profit = pick("profit", root.lang === "zh" ? "red" : "green");
})();
