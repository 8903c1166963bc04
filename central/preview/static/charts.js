// Charts: Vega draws the shipped specs. Its expressions are interpreted, not compiled: no eval on this page.

import { h, roving } from "/dom.js";
import { language } from "/words.js";

const PALETTE = ["#0072b2", "#c2410c", "#009e73", "#5b2a6e", "#c99700", "#52606d"];
// Charts that are several beside each other have no one size: they keep their own.
const COMPOSED = ["hconcat", "vconcat", "concat", "facet", "repeat"];

// As Vega numbers them.
const ERRORS = 1;
const WARNINGS = 2;

let narrow = () => {};

/** Says what a click on a bar narrows the dashboard by. */
export function onFilter(listener) {
  narrow = listener;
}

// The names by which the specs call what OpenSearch Dashboards adds. They run inside Vega's own evaluation.
const FUNCTIONS = {
  opensearchDashboardsAddFilter: (query) => {
    setTimeout(() => narrow(query));
    return null;
  },
};

/**
 * Draws a spec; its data is in it. Gives `element`, `resize` and `finish`, which frees what it holds.
 * `size` is `{width, height}` in px, `label` what a screen reader says, `parent` where it is drawn: not yet to be seen.
 */
export async function draw(library, spec, size, label, parent) {
  await import("/vega.js"); // once: it is large, and a dashboard of tables needs none
  const element = h("div", { class: "chart unready" });
  parent.append(element); // specs ask for the size of what they stand in
  const made = await window.vegaEmbed(element, prepared(spec, library, size, label), {
    mode: library,
    ast: true,
    renderer: "svg",
    actions: false,
    defaultStyle: false,
    expressionFunctions: FUNCTIONS,
    logLevel: spec.config?.kibana?.hideWarnings ? ERRORS : WARNINGS,
    tooltip: (_handler, event, _item, value) => tip(event, value),
  });
  const fits = !COMPOSED.some((key) => key in spec) || library === "vega";
  const bars = keyboard(element);
  return {
    element,
    show: () => element.classList.remove("unready"),
    resize: ({ width, height }) => fits && made.view.width(width).height(height).runAsync(),
    finish: () => {
      hide();
      bars.disconnect();
      made.finalize();
      element.remove();
    },
  };
}

/** Lets the keyboard do what a click on a bar does. */
function keyboard(element) {
  const mark = () => {
    const picked = new Set();
    for (const one of element.querySelectorAll(".mark-rect path")) {
      // As Vega binds them: each path has its item, and several may lie over each other for one datum.
      const { datum, cursor, tooltip } = one.__data__ ?? {};
      if (cursor !== "pointer" || picked.has(datum)) continue;
      picked.add(datum);
      for (const [name, value] of Object.entries({ role: "button", "aria-label": tooltip, "data-bar": "" })) one.setAttribute(name, value);
    }
    roving(element, "[data-bar]");
  };
  element.addEventListener("keydown", (event) => {
    if (!("bar" in event.target.dataset) || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    event.target.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  });
  mark();
  // Vega makes others when the answer or the size is another.
  const watch = new MutationObserver(mark);
  watch.observe(element, { childList: true, subtree: true });
  return watch;
}

function prepared(spec, library, size, label) {
  const config = { ...spec.config };
  delete config.kibana; // options for OpenSearch Dashboards itself
  config.range = { category: PALETTE, ...config.range };
  config.locale = { time: timeLocale(), ...config.locale };
  const made = { autosize: { type: "fit", contains: "padding" }, background: "transparent", ...spec, config };
  made.description = label;
  delete made.$schema; // the versions differ on purpose: 2.8 draws the same file with Vega 5
  if (library === "vega" || !COMPOSED.some((key) => key in spec)) Object.assign(made, size);
  return made;
}

/** Names of days and months as d3-time-format takes them; the specs themselves bring how numbers are written. */
function timeLocale() {
  const names = (options, dates) => dates.map((at) => new Intl.DateTimeFormat(language(), options).format(at));
  const days = [...Array(7).keys()].map((day) => new Date(2023, 0, 1 + day)); // from a Sunday on
  const months = [...Array(12).keys()].map((month) => new Date(2023, month, 1));
  return {
    dateTime: "%d/%m/%Y %H:%M:%S", date: "%d/%m/%Y", time: "%H:%M:%S", periods: ["AM", "PM"],
    days: names({ weekday: "long" }, days), shortDays: names({ weekday: "short" }, days),
    months: names({ month: "long" }, months), shortMonths: names({ month: "short" }, months),
  };
}

const bubble = h("div", { class: "tip", hidden: true, "aria-hidden": "true" });

function tip(event, value) {
  if (value === null || value === undefined || value === "") return hide();
  if (!bubble.isConnected) document.body.append(bubble);
  bubble.replaceChildren(...told(value));
  bubble.hidden = false;
  const right = event.clientX + 14 + bubble.offsetWidth > window.innerWidth;
  const low = event.clientY + 14 + bubble.offsetHeight > window.innerHeight;
  bubble.style.left = `${Math.max(4, event.clientX + (right ? -bubble.offsetWidth - 10 : 14))}px`;
  bubble.style.top = `${Math.max(4, event.clientY + (low ? -bubble.offsetHeight - 10 : 14))}px`;
}

function told(value) {
  if (typeof value !== "object") return [String(value)];
  const rows = Object.entries(value).map(([name, one]) => h("tr", {}, h("th", {}, name), h("td", {}, String(one))));
  return [h("table", {}, ...rows)];
}

function hide() {
  bubble.hidden = true;
}
