// How values are written: the index patterns' field formats, of the kinds that we ship, by the page's language.

import { language, say } from "/words.js";

export const NONE = "—";
const CURRENCY = "R$ ";
const BYTES = ["B", "KB", "MB", "GB", "TB"];

/** Gives the function that writes a field's values. */
export function formatter(format, type) {
  const write = writer(format, type);
  return (value) => {
    if (Array.isArray(value)) return value.length ? value.map(write).join(", ") : NONE;
    return value === null || value === undefined || value === "" ? NONE : write(value);
  };
}

/** Whether a field's values are figures, to be aligned by their ends. */
export const isFigure = (format, type) => type === "number" && format?.id !== "static_lookup";

function writer(format, type) {
  const params = format?.params ?? {};
  if (format?.id === "static_lookup") return lookup(params);
  if (format?.id === "bytes") return bytes;
  if (type === "number") return (value) => number(value, params.pattern ?? "0,0.[000]");
  if (type === "date") return date;
  if (type === "boolean") return (value) => (value === true || value === "true" ? say("yes") : say("no"));
  return String;
}

function lookup(params) {
  const words = new Map((params.lookupEntries ?? []).map((one) => [String(one.key), one.value]));
  return (value) => words.get(String(value)) ?? params.unknownKeyValue ?? String(value);
}

/** Writes a number by a pattern such as `0,0.[000]`, `$0,0.00`, `0.0%` or `00:00:00` (seconds as h:mm:ss). */
export function number(value, pattern) {
  if (typeof value !== "number" || !Number.isFinite(value)) return String(value);
  if (pattern === "00:00:00") return clock(value);
  const [, money, digits, share] = pattern.match(/^(\$ ?)?([0,.[\]]+) ?(%)?$/) ?? [null, "", "0,0.[000]", ""];
  const [whole, fraction = ""] = digits.split(".");
  const text = new Intl.NumberFormat(language(), {
    useGrouping: whole.includes(","),
    minimumFractionDigits: fraction.replace(/\[.*/, "").length,
    maximumFractionDigits: fraction.replace(/[[\]]/g, "").length,
    style: share ? "percent" : "decimal",
  }).format(value);
  return money ? CURRENCY + text : text;
}

function clock(value) {
  const seconds = Math.round(Math.abs(value));
  const two = (part) => String(part).padStart(2, "0");
  const text = `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return value < 0 ? `-${text}` : text;
}

function bytes(value) {
  let [left, unit] = [value, 0];
  while (Math.abs(left) >= 1024 && unit < BYTES.length - 1) [left, unit] = [left / 1024, unit + 1];
  return `${number(left, "0,0.[0]")} ${BYTES[unit]}`;
}

const MOMENT = { day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" };

/** Writes a moment by the browser's clock. */
export function date(value) {
  const at = new Date(value);
  // The order of day and month is not the reader's guess: in English the month is a word.
  const options = language() === "en" ? { ...MOMENT, month: "short", hour12: false } : MOMENT;
  return Number.isNaN(at.getTime()) ? String(value) : new Intl.DateTimeFormat(language(), options).format(at);
}

/** Writes the time of day. */
export const timeOfDay = (at) => new Intl.DateTimeFormat(language(), { timeStyle: "medium" }).format(at);

/** Writes a whole number. */
export const count = (value) => number(value, "0,0");
