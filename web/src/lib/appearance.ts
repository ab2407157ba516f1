/** What a person chose for the look. Kept in this browser; `public/appearance.js` applies it first. */
import { reactive, watch } from "vue";

export type Language = "en" | "zh";
export type Theme = "system" | "dark" | "light";
export type Profit = "green" | "red";
export type Density = "compact" | "normal" | "comfortable";

interface Appearance {
  language: Language;
  theme: Theme;
  profit: Profit;
  density: Density;
  sound: boolean; // of critical notices
  zone: string; // an IANA name; "" is the machine's own
}

const KEY = "appearance";

function stored(): Partial<Appearance> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Appearance>;
  } catch {
    return {}; // what was stored is no JSON: begin with the defaults
  }
}

const root = document.documentElement;
const language: Language = stored().language ?? (root.lang === "zh" ? "zh" : "en");

export const appearance = reactive<Appearance>({
  language,
  theme: "system",
  profit: language === "zh" ? "red" : "green",
  density: "normal",
  sound: false,
  zone: "",
  ...stored(),
});

const light = matchMedia("(prefers-color-scheme: light)");

/** What is on the screen, the system's wish resolved. */
export const shown = reactive({ theme: "dark" as "dark" | "light" });

function apply(): void {
  shown.theme = appearance.theme === "system" ? (light.matches ? "light" : "dark") : appearance.theme;
  root.lang = appearance.language;
  root.dataset.theme = shown.theme;
  root.dataset.profit = appearance.profit;
  root.dataset.density = appearance.density;
}

light.addEventListener("change", apply);
watch(
  appearance,
  () => {
    localStorage.setItem(KEY, JSON.stringify(appearance));
    apply();
  },
  { flush: "sync" },
);
apply();

export function switchLanguage(): void {
  appearance.language = appearance.language === "en" ? "zh" : "en";
}

export function switchTheme(): void {
  appearance.theme = shown.theme === "dark" ? "light" : "dark";
}
