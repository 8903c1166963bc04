// Elements without a framework. Text is only ever set as text, so that no caller's name becomes markup.

/** Makes an element: attributes by name, `on*` as listeners, `data` as dataset, children as nodes or text. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((one) => one !== null && one !== undefined));
  return element;
}

let popovers = 0;

/** Makes a button and what it opens below itself; `fill` is called at each opening and gives the content. */
export function opener(attributes, label, fill) {
  const id = `popover-${++popovers}`;
  const pop = h("div", { id, popover: "auto", class: "pop" });
  const button = h("button", { type: "button", ...attributes, "aria-expanded": "false", "aria-haspopup": "dialog" }, label);
  button.popoverTargetElement = pop;
  pop.addEventListener("beforetoggle", (event) => {
    if (event.newState !== "open") return;
    pop.replaceChildren(fill(() => pop.hidePopover()));
  });
  pop.addEventListener("toggle", (event) => {
    const open = event.newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (open) {
      place(pop, button);
      pop.querySelector("[autofocus], input, button")?.focus();
    }
  });
  return h("span", { class: "opener" }, button, pop);
}

function place(pop, button) {
  const at = button.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - pop.offsetWidth - 8));
  const below = at.bottom + 4;
  const room = window.innerHeight - below - 8;
  pop.style.left = `${left}px`;
  if (room < 220 && at.top > room) {
    pop.style.maxHeight = `${at.top - 12}px`;
    pop.style.top = `${Math.max(8, at.top - 4 - Math.min(pop.scrollHeight, at.top - 12))}px`;
  } else {
    pop.style.maxHeight = `${room}px`;
    pop.style.top = `${below}px`;
  }
}

/**
 * Makes all that matches in an element one stop of the Tab key: arrows, Home and End lead on from there.
 * To be called anew when what is in it has changed.
 */
export function roving(element, selector) {
  const all = [...element.querySelectorAll(selector)];
  const stop = (here) => all.forEach((one) => one.setAttribute("tabindex", one === here ? "0" : "-1"));
  stop(all.includes(document.activeElement) ? document.activeElement : all[0]);
  element.onkeydown = (event) => {
    const to = all.includes(event.target) ? next(all, event.target, event.key) : null;
    if (!to) return;
    event.preventDefault();
    stop(to);
    to.focus();
    to.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
}

function next(all, from, key) {
  const at = all.indexOf(from);
  const beside = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 };
  if (key in beside) return all[beside[key]];
  if (key !== "ArrowDown" && key !== "ArrowUp") return null;
  // The nearest in the next line, by where they stand.
  const middle = (one) => {
    const { left, top, width, height } = one.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  };
  const [x, y] = middle(from);
  const way = key === "ArrowDown" ? 1 : -1;
  const far = (one) => {
    const [left, top] = middle(one);
    return (top - y) * way > 4 ? (top - y) * way * 1000 + Math.abs(left - x) : Infinity;
  };
  const nearest = all.reduce((best, one) => (far(one) < far(best) ? one : best), from);
  return nearest === from ? null : nearest;
}

/** Lets the focus stay where it was when an element's content is replaced: by its `data-key`. */
export function replaceKeepingFocus(element, ...children) {
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...children);
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
