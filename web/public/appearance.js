// Before the first paint: theme, language and profit colours as chosen last, else as the system has them.
(function () {
  var chosen = {};
  try {
    chosen = JSON.parse(localStorage.getItem("appearance") || "{}");
  } catch (unreadable) {
    chosen = {};
  }
  var root = document.documentElement;
  var light = matchMedia("(prefers-color-scheme: light)").matches;
  var language = chosen.language || (navigator.language.indexOf("zh") === 0 ? "zh" : "en");
  var theme = chosen.theme === "dark" || chosen.theme === "light" ? chosen.theme : null;
  root.lang = language;
  root.dataset.theme = theme || (light ? "light" : "dark");
  root.dataset.profit = chosen.profit || (language === "zh" ? "red" : "green");
  root.dataset.density = chosen.density || "normal";
})();
