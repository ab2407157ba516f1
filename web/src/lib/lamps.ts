/** A lamp in words: dark when well, lit with what is wrong, a dash with the reason where nobody knows. */
import type { Shapes } from "@/api/client";
import { ABSENT, briefly, day, fixed } from "@/lib/numbers";
import { say } from "@/i18n/lamps";

export type Lamp = Shapes["Lamp"];
export interface ShownLamp {
  key: string;
  name: string;
  text: string;
  about: string; // the whole sentence, on hover and for screen readers
  state: Lamp["state"];
  to: { name: string; query?: Record<string, string> };
}

const CAUSES: Record<string, ShownLamp["to"]> = {
  trader: { name: "logs" }, feed: { name: "data" }, clock: { name: "logs" }, journal: { name: "journal" },
  reconciled: { name: "positions" }, stops: { name: "positions" }, disk: { name: "data" },
  notifier: { name: "settings" }, venue: { name: "orders", query: { tab: "unknown" } },
};

type Word = Parameters<typeof say>[0];

/** Bytes in the largest unit that leaves a digit before the point. */
export function bytes(value: number): string {
  const gb = value / 1e9;
  return gb >= 10 ? `${fixed(gb, 0)} GB` : gb >= 1 ? `${fixed(gb, 1)} GB` : `${fixed(value / 1e6, 0)} MB`;
}

function blanks(lamp: Lamp, now: number): Record<string, string | number> {
  const value = lamp.value ?? 0;
  return {
    age: lamp.at == null ? ABSENT : briefly(now - lamp.at), day: lamp.at == null ? ABSENT : day(lamp.at),
    n: value, of: fixed(lamp.of ?? 0, 0), ms: fixed(value, 0, true),
    room: bytes(value), took: `${fixed(value, 0)} ms`, subject: lamp.subject ?? "", says: lamp.says ?? "",
  };
}

/** `trader.running` and so on: words of their own where the general ones would mislead. */
function word(lamp: Lamp): Word {
  if (lamp.lamp === "stops" && lamp.of === 0) return "stops_none";
  if (lamp.lamp === "journal" && lamp.reason === "ended") return "journal_rows";
  if (lamp.lamp === "notifier" && lamp.reason === "sent" && lamp.value === 0) return "notifier_idle";
  if (lamp.lamp === "venue" && lamp.reason === "answers" && lamp.value == null) return "venue_quiet";
  if (["no_trader", "never_ran", "unreadable"].includes(lamp.reason)) return lamp.reason as Word;
  return `${lamp.lamp}_${lamp.reason}` as Word;
}

export function lampName(lamp: Lamp): string {
  if (lamp.lamp === "feed") return lamp.subject === "replay" ? say("name_replay") : say("name_feed", { subject: lamp.subject ?? "" });
  return say(`name_${lamp.lamp}` as Word);
}

export function shown(lamp: Lamp, now: number): ShownLamp {
  const words = say(word(lamp), blanks(lamp, now));
  const text = lamp.state === "unknown" ? `${ABSENT} ${words}` : words;
  const parts = [lampName(lamp), words, lamp.says ?? ""].filter(Boolean);
  return { key: `${lamp.lamp} ${lamp.subject ?? ""}`, name: lampName(lamp), text, about: parts.join(": "), state: lamp.state, to: CAUSES[lamp.lamp] ?? { name: "logs" } };
}
