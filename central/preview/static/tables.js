// Tables of aggregations: to be sorted, paged, and saved as a file.

import { csvButton } from "/csv.js";
import { h, replaceKeepingFocus, roving } from "/dom.js";
import { count, formatter, isFigure } from "/formats.js";
import { say } from "/words.js";

const TOTALS = {
  sum: (values) => values.reduce((one, other) => one + other, 0),
  avg: (values) => values.reduce((one, other) => one + other, 0) / values.length,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  count: (values) => values.length,
};

/** Shows a table in an element. `kept` lives as long as the panel: order and page. `pick` filters by a value. */
export function table(element, title, answer, kept, pick) {
  const columns = answer.columns.map((one) => ({
    ...one, write: formatter(one.format, one.type), figure: isFigure(one.format, one.type),
  }));
  const show = () => {
    const rows = ordered(answer.rows, kept);
    const pages = Math.max(1, Math.ceil(rows.length / answer.perPage));
    kept.page = Math.min(kept.page ?? 0, pages - 1);
    const first = kept.page * answer.perPage;
    const shown = rows.slice(first, first + answer.perPage);
    const body = h("tbody", {}, ...shown.map((row) => h("tr", {}, ...row.map((value, at) => cell(columns[at], value, pick)))));
    const head = h("thead", {}, h("tr", {}, ...columns.map((one, at) => header(one, at, kept, show))));
    const foot = answer.total ? [totals(columns, answer)] : [];
    const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, h("table", {}, head, body, ...foot));
    const file = csvButton(title, columns.map((one) => one.label), () => ordered(answer.rows, kept));
    replaceKeepingFocus(element, scroll, h("div", { class: "below" }, ...pager(rows.length, first, shown.length, pages, kept, show), file));
    roving(scroll, "tbody .value");
  };
  show();
}

/** Gives the rows in the chosen order; what is missing comes last either way. */
function ordered(rows, { sort }) {
  if (!sort) return rows;
  const missing = (value) => value === null || value === undefined;
  const compare = (one, other) => (typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other)));
  return [...rows].sort((row, another) => {
    const [one, other] = [row[sort.at], another[sort.at]];
    if (missing(one) || missing(other)) return missing(one) - missing(other);
    return sort.down ? compare(other, one) : compare(one, other);
  });
}

function header(column, at, kept, show) {
  const mine = kept.sort?.at === at;
  const turn = () => {
    // Figures are first wanted from the largest on; the third time brings the cluster's own order back.
    if (!mine) kept.sort = { at, down: column.figure, turned: false };
    else kept.sort = kept.sort.turned ? null : { at, down: !kept.sort.down, turned: true };
    kept.page = 0;
    show();
  };
  const order = mine ? (kept.sort.down ? "descending" : "ascending") : undefined;
  const button = h("button", { type: "button", onclick: turn, data: { key: `sort-${at}` } }, column.label);
  return h("th", { scope: "col", class: column.figure ? "figure" : undefined, "aria-sort": order }, button);
}

function cell(column, value, pick) {
  const text = column.write(value);
  const plain = !column.bucket || !column.field || value === null || value === column.missing;
  const content = plain ? text : h("button", {
    type: "button", class: "value", title: say("filterBy", text), onclick: () => pick(column.field, value), data: { key: `${column.id}=${value}` },
  }, text);
  return h("td", { class: column.figure ? "figure" : undefined }, content);
}

function totals(columns, answer) {
  const cells = columns.map((column, at) => {
    if (column.bucket) return h("td", {}, at === 0 ? say("total") : "");
    const values = answer.rows.map((row) => row[at]).filter((value) => typeof value === "number");
    const total = values.length ? TOTALS[answer.total](values) : null;
    return h("td", { class: "figure" }, answer.total === "count" ? count(total ?? 0) : column.write(total));
  });
  return h("tfoot", {}, h("tr", {}, ...cells));
}

function pager(all, first, shown, pages, kept, show) {
  if (pages === 1) return [h("span", { class: "faint grow" }, "")];
  const go = (by) => () => {
    kept.page += by;
    show();
  };
  const step = (key, sign, by, possible) =>
    h("button", { type: "button", class: "quiet step", disabled: !possible, onclick: go(by), "aria-label": say(key), data: { key } }, sign);
  return [
    step("before", "‹", -1, kept.page > 0),
    h("span", { class: "faint" }, say("rows", count(first + 1), count(first + shown), count(all))),
    step("next", "›", 1, kept.page < pages - 1),
    h("span", { class: "grow" }),
  ];
}
