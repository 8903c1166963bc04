// Saved searches: documents as lines, a click on a value narrows the dashboard, each line opens to all its fields.

import { csvButton } from "/csv.js";
import { h, replaceKeepingFocus, roving } from "/dom.js";
import { count, date, formatter, isFigure } from "/formats.js";
import { say } from "/words.js";

/** Shows a saved search in an element. `kept` lives as long as the panel: which lines are open. */
export function search(element, title, answer, kept, pick) {
  kept.open ??= new Set();
  const columns = answer.columns.map((one) => ({
    ...one, write: formatter(one.format, one.type), figure: isFigure(one.format, one.type),
  }));
  const show = () => {
    const head = h("tr", {}, h("th", { class: "opens" }, h("span", { class: "unseen" }, say("details"))),
      ...columns.map((one) => h("th", { scope: "col", class: one.figure ? "figure" : undefined }, one.field)));
    const lines = answer.rows.flatMap((row) => line(row, columns, answer, kept, pick, show));
    const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
      h("table", {}, h("thead", {}, head), h("tbody", {}, ...lines)));
    const found = answer.found > answer.rows.length
      ? say("shown", count(answer.found), count(answer.rows.length)) : say("found", count(answer.found));
    const file = csvButton(title, columns.map((one) => one.field), () =>
      answer.rows.map((row) => columns.map((one) => raw(row.fields[one.field], one.type))));
    const at = element.querySelector(".scroll");
    const place = [at?.scrollLeft ?? 0, at?.scrollTop ?? 0];
    replaceKeepingFocus(element, scroll, h("div", { class: "below" }, h("span", { class: "faint grow" }, found), file));
    scroll.scrollTo(...place);
    roving(scroll, ".opens button, .details .value");
  };
  show();
}

const raw = (values, type) => {
  if (!values) return null;
  if (type === "date") return date(values[0]);
  return values.length === 1 ? values[0] : values.join(" ");
};

function line(row, columns, answer, kept, pick, show) {
  const open = kept.open.has(row.id);
  const turn = () => {
    if (!kept.open.delete(row.id)) kept.open.add(row.id);
    show();
  };
  const toggle = h("button", {
    type: "button", class: "quiet step", "aria-expanded": String(open), "aria-label": say("details"), onclick: turn, data: { key: row.id },
  }, open ? "▾" : "▸");
  const cells = columns.map((one) =>
    h("td", { class: one.figure ? "figure" : undefined }, ...values(row.fields[one.field], one, pick, "-1")));
  const main = h("tr", { class: open ? "open" : undefined }, h("td", { class: "opens" }, toggle), ...cells);
  return open ? [main, details(row, columns.length + 1, answer, pick)] : [main];
}

/** In the lines no key leads to the values: there are thousands; in the details they are. */
function values(found, column, pick, tabindex) {
  if (!found) return [column.write(null)];
  if (column.type === "date") return [found.map(column.write).join(", ")];
  return found.flatMap((value, at) => {
    const text = column.write(value);
    const button = h("button", {
      type: "button", class: "value", tabindex, title: say("filterBy", text), onclick: () => pick(column.field, value),
    }, text);
    return at ? [", ", button] : [button];
  });
}

function details(row, width, answer, pick) {
  const fields = Object.keys(row.fields).sort();
  const entries = fields.flatMap((field) => {
    const type = answer.types[field] ?? "string";
    const column = { field, type, write: formatter(answer.formats[field], type) };
    // What the index does not know cannot be filtered by.
    const shown = field in answer.types ? values(row.fields[field], column, pick) : [row.fields[field].join(", ")];
    return [h("dt", {}, field), h("dd", {}, ...shown)];
  });
  const about = [h("dt", {}, say("document")), h("dd", { class: "faint" }, `${row.index} / ${row.id}`)];
  return h("tr", { class: "details" }, h("td", { colspan: String(width) }, h("dl", {}, ...entries, ...about)));
}
