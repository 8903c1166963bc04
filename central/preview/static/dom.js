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

/** Lets the focus stay where it was when an element's content is replaced: by its `data-key`. */
export function replaceKeepingFocus(element, ...children) {
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...children);
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
