// The bar above the panels: period, query, refreshing; and below it the filters.

import { h, opener } from "/dom.js";
import { date } from "/formats.js";
import { say } from "/words.js";

const QUICK = [["now/d", "now/d"], ["now-1d/d", "now-1d/d"], ["now-7d", "now"], ["now-28d", "now"], ["now/M", "now/M"], ["now-12M", "now"]];
const NAMED = { "now/d now/d": "today", "now-1d/d now-1d/d": "yesterday", "now/M now/M": "month", "now-12M now": "months" };
const UNITS = { d: "days", h: "hours", m: "minutes", M: "lastMonths" };

/**
 * Gives the button of the period. `now` is `{from, to}` as text, `chosen` whether the reader has chosen it,
 * `ends` gives both as moments, `choose` takes a `{from, to}`, or null for the dashboard's own.
 */
export function period(now, chosen, ends, choose) {
  const fill = (close) => {
    const pick = (one) => {
      close();
      choose(one);
    };
    const button = (one, text) => h("button", {
      type: "button", class: "entry", "aria-pressed": String(one ? chosen && one.from === now.from && one.to === now.to : !chosen), onclick: () => pick(one),
    }, text);
    const quick = QUICK.map(([from, to]) => button({ from, to }, periodName({ from, to })));
    return h("div", { class: "period" }, h("div", { class: "entries" }, ...quick, button(null, say("own"))), between(ends() ?? {}, pick));
  };
  const label = [h("span", { class: "unseen" }, `${say("period")}: `), periodName(now)];
  return opener({ class: "select", data: { key: "period" } }, h("span", { class: "chosen" }, ...label), fill);
}

/** Gives a period's name; without one both its ends. */
export function periodName({ from, to }) {
  const named = NAMED[`${from} ${to}`];
  if (named) return say(named);
  const [, number, unit] = to === "now" ? from.match(/^now-(\d+)([dhmM])(?:\/d)?$/) ?? [] : [];
  if (number) return say(UNITS[unit], number);
  const end = (text) => (text.startsWith("now") ? text : date(text).replace(/:\d\d$/, ""));
  return `${end(from)} – ${end(to)}`;
}

function between(ends, pick) {
  const input = (label, at) => h("input", {
    type: "datetime-local", required: true, "aria-label": label, max: "9999-12-31T23:59", value: at ? wallTime(new Date(at)) : "",
  });
  const [from, to] = [input(say("from"), ends.from), input(say("to"), ends.to)];
  const send = (event) => {
    event.preventDefault();
    const ends = [from, to].map((one) => new Date(one.value));
    to.setCustomValidity(ends[1] < ends[0] ? say("swapped") : "");
    if (!event.target.reportValidity()) return;
    pick({ from: ends[0].toISOString(), to: ends[1].toISOString() });
  };
  to.addEventListener("input", () => to.setCustomValidity(""));
  return h("form", { class: "between", onsubmit: send },
    h("label", {}, say("from"), from), h("label", {}, say("to"), to), h("button", { type: "submit", class: "main" }, say("apply")));
}

/** A moment as the inputs take it: by the browser's clock, without its zone. */
const wallTime = (at) => new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

/** Gives the query bar. `saved` are the saved queries, `search` takes a text, `add` a saved query. */
export function queryBar(text, saved, search, add) {
  const input = h("input", {
    type: "search", value: text, placeholder: say("queryHint"), "aria-label": say("query"), spellcheck: "false", autocomplete: "off", data: { key: "query" },
  });
  const send = (event) => {
    event.preventDefault();
    search(input.value.trim());
  };
  const fill = (close) => h("div", { class: "entries" }, ...(saved.length ? saved : [null]).map((one) =>
    one === null ? h("p", { class: "faint" }, say("savedNone")) : h("button", {
      type: "button", class: "entry tall", onclick: () => {
        close();
        add(one);
      },
    }, one.title, h("small", {}, one.description || one.query))));
  return h("form", { class: "query", role: "search", onsubmit: send },
    opener({ class: "select", data: { key: "saved" } }, say("saved"), fill), input, h("button", { type: "submit", class: "main" }, say("search")));
}

/** Gives what refreshes: now, by itself, on the whole screen. `every` in seconds; 0: not by itself. */
export function refreshing(every, paused, now, turn, wall) {
  const span = every >= 60 ? say("minute", every / 60) : say("second", every);
  const auto = every > 0 && h("button", {
    type: "button", "aria-pressed": String(!paused), class: "toggle", onclick: turn, data: { key: "auto" },
  }, paused ? say("paused") : say("auto", span));
  return h("div", { class: "refreshing" }, h("span", { id: "updated", class: "faint" }), ...(auto ? [auto] : []),
    h("button", { type: "button", onclick: now, data: { key: "refresh" } }, say("refresh")),
    h("button", { type: "button", class: "wide", onclick: wall, data: { key: "wall" } }, say("wall")));
}

/** Gives a pill for each filter. */
export function pills(filters, remove, pin) {
  return filters.map((one, at) => {
    const text = labelOf(one);
    return h("span", { class: one.negate ? "pill negated" : "pill" },
      h("span", {}, text),
      h("button", {
        type: "button", "aria-pressed": String(!!one.pinned), title: say(one.pinned ? "unpin" : "pin"),
        "aria-label": `${say("pin")}: ${text}`, onclick: () => pin(at), data: { key: `pin-${at}` },
      }, one.pinned ? "●" : "○"),
      h("button", { type: "button", title: say("remove", text), "aria-label": say("remove", text), onclick: () => remove(at), data: { key: `remove-${at}` } }, "×"));
  });
}

function labelOf(one) {
  const not = one.negate ? `${say("not")} ` : "";
  if (one.label && !one.field) return not + one.label;
  const text = one.field ? `${one.label || one.field}: ${one.values.join(", ")}` : JSON.stringify(one.query);
  return not + (text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
