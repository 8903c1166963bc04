// The lists above a dashboard that narrow it: store, region, city.

import { h, opener } from "/dom.js";
import { count, formatter } from "/formats.js";
import { say } from "/words.js";

const FIND_FROM = 8;

/** Shows the controls in an element. `chosen` gives a field's values, `choose` sets them. */
export function controls(element, answer, chosen, choose) {
  element.replaceChildren(h("div", { class: "controls" }, ...answer.controls.map((one) => control(one, chosen, choose))));
}

/** Whether one of an element's lists is open: a refresh must not close it. */
export const isOpen = (element) => element.querySelector(".pop:popover-open") !== null;

function control(one, chosen, choose) {
  const write = formatter(one.format, one.type);
  const label = h("span", { class: "chosen" }, summary(chosen(one.field), write));
  const fill = (close) => list(one, write, chosen(one.field), (values) => {
    label.textContent = summary(values, write);
    choose(one, values);
    if (!one.multiple) close();
  });
  return h("div", { class: "control" }, h("span", { class: "label" }, one.label), opener({ class: "select" }, label, fill));
}

function summary(values, write) {
  if (!values.length) return say("all");
  return values.length <= 2 ? values.map(write).join(", ") : say("chosen", count(values.length));
}

function list(one, write, before, choose) {
  const picked = new Set(before);
  // What is chosen stays to be seen, and to be taken away, where the cluster does not know it any more.
  const known = new Set(one.choices.map((each) => each.value));
  const all = [...before.filter((value) => !known.has(value)).map((value) => ({ value, count: null })), ...one.choices];
  const items = all.map((each) => item(one, each, write, picked, () => choose([...picked])));
  const none = h("p", { class: "faint", hidden: items.length > 0 }, say("nothing"));
  const find = h("input", {
    type: "search", placeholder: say("find"), "aria-label": `${say("find")} ${one.label}`, autofocus: true,
    oninput: () => {
      const text = plain(find.value);
      for (const each of items) each.hidden = !plain(each.textContent).includes(text);
      none.hidden = items.some((each) => !each.hidden);
    },
  });
  const clear = h("button", {
    type: "button", class: "quiet", onclick: () => {
      picked.clear();
      for (const box of group.querySelectorAll("input")) box.checked = false;
      choose([]);
    },
  }, say("clear"));
  const group = h("div", { class: "choices", role: "group", "aria-label": one.label }, ...items, none);
  return h("div", { class: "list" }, h("div", { class: "listhead" }, ...(items.length >= FIND_FROM ? [find] : []), clear), group);
}

function item(one, each, write, picked, changed) {
  const turn = () => {
    if (!one.multiple) picked.clear();
    if (box.checked) picked.add(each.value);
    else picked.delete(each.value);
    changed();
  };
  const box = h("input", { type: one.multiple ? "checkbox" : "radio", name: one.id, checked: picked.has(each.value), onchange: turn });
  return h("label", { class: "choice" }, box, write(each.value));
}

/** Without accents and capitals: nobody types "São" into a search. */
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
