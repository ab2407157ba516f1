/** Everything told, fetched once the language is Chinese. */
import type { Books } from "@/i18n/told";
import decisions from "./decisions.json";
import errors from "./errors.json";
import parameters from "./parameters.json";
import parity from "./parity.json";
import phrases from "./phrases.json";
import settings from "./settings.json";

export const books: Books = { sentences: { ...errors, ...decisions, ...parity }, phrases, settings, parameters };
