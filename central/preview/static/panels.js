// The panels in their grid: each asks for itself, and shows that it waits, has nothing, or failed.

import { post } from "/api.js";
import { draw } from "/charts.js";
import { controls, isOpen } from "/controls.js";
import { h, opener } from "/dom.js";
import { search } from "/searches.js";
import { table } from "/tables.js";
import { failure, language, say } from "/words.js";

// As OpenSearch Dashboards lays them out: 48 columns, rows of 20 px, 8 px between.
const ROW = 20;
const GAP = 8;
const COLUMNS = 48;
// What needs no more room than it takes.
const LOW = ["controls", "markdown"];

/** All panels of a dashboard in `element`. `page` gives the context and takes filters: see app.js. */
export class Panels {
  constructor(element, dashboard, page) {
    const inOrder = [...dashboard.panels].sort((one, other) => one.grid.y - other.grid.y || one.grid.x - other.grid.x);
    this.all = inOrder.map((one) => new Panel(one, page));
    element.style.gridTemplateRows = bands(inOrder, this.all);
    element.replaceChildren(...this.all.map((one) => one.element));
    this.sizes = new ResizeObserver(() => {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.all.forEach((one) => one.fit()));
    });
    this.sizes.observe(element);
  }

  /** Lets all ask anew; gives whether all could be shown. */
  async load(context) {
    this.abort?.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    const done = await Promise.all(this.all.map((one) => one.load(context, signal)));
    return { current: !signal.aborted, whole: done.every(Boolean) };
  }

  /** Ends all that runs, and frees what the charts hold. */
  close() {
    this.abort?.abort();
    this.sizes.disconnect();
    this.all.forEach((one) => one.drop());
  }
}

class Panel {
  constructor(about, page) {
    this.about = about;
    this.page = page;
    this.kept = {};
    this.chart = null;
    this.body = h("div", { class: "body" });
    const { x, w } = about.grid;
    const id = `title-${about.id}`;
    const title = h("h2", { id, class: about.titled ? undefined : "unseen" }, about.title);
    const info = about.titled && about.description ? [information(about.description)] : [];
    const head = about.titled ? h("header", {}, title, ...info) : title;
    this.element = h("section", { class: `panel of-${about.kind}`, "aria-labelledby": id, data: { panel: about.id } }, head, this.body);
    this.element.style.gridColumn = `${x + 1} / span ${w}`;
  }

  /** Asks and shows; gives whether it could. What stands there stays until there is something newer. */
  async load(context, signal) {
    if (this.about.kind === "controls" && isOpen(this.body)) return true;
    this.element.setAttribute("aria-busy", "true");
    if (!this.body.hasChildNodes()) this.note("loading");
    try {
      const answer = await post("/api/panel", { panel: this.about.id, language: language(), context }, signal);
      await this.show(answer, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      // Old figures beside a failure would be taken for today's.
      this.fail(error);
      return false;
    } finally {
      if (!signal.aborted) this.element.removeAttribute("aria-busy");
    }
  }

  async show(answer, signal) {
    const { id, title } = this.about;
    const { kind } = answer;
    if (kind === "vega") return this.draw(answer, signal);
    if (signal.aborted) return;
    if (kind === "markdown") this.markdown(answer.html);
    else if (kind === "controls") controls(this.body, answer, this.page.chosen, this.page.choose);
    else if (kind === "missing") this.note("missing", answer.error);
    else if (!answer.rows.length) this.note("empty");
    else (kind === "table" ? table : search)(this.body, title || id, answer, this.kept, this.page.pick);
  }

  markdown(html) {
    // The server has made it from our own Markdown, with everything escaped that is not of its few tags.
    const parsed = new DOMParser().parseFromString(html, "text/html").body;
    this.body.replaceChildren(h("div", { class: "markdown" }, ...parsed.childNodes));
  }

  async draw(answer, signal) {
    if (answer.empty) return this.note("empty");
    const { title, description } = this.about;
    this.element.style.setProperty("--height", `${this.height()}px`);
    const size = this.size();
    const made = await draw(answer.library, answer.spec, size, [title, description].filter(Boolean).join(". "), this.body);
    if (signal.aborted) return made.finish();
    this.drop();
    this.chart = made;
    this.body.replaceChildren(made.element);
    made.show();
    this.drawn = JSON.stringify(size);
    this.fit();
  }

  /** Makes a chart as large as its panel has become. */
  fit() {
    this.element.style.setProperty("--height", `${this.height()}px`);
    const size = this.size();
    if (!this.chart || this.drawn === JSON.stringify(size)) return;
    this.drawn = JSON.stringify(size);
    this.chart.resize(size);
  }

  size() {
    return { width: Math.max(1, this.body.clientWidth), height: Math.max(1, this.body.clientHeight) };
  }

  /** How high a chart is where the panels stand below each other: what it loses in width it gains. */
  height() {
    const { w, h: rows } = this.about.grid;
    const high = rows * (ROW + GAP) - GAP;
    const before = (1366 * w) / COLUMNS;
    return Math.round(high * Math.min(2.2, Math.max(1, Math.sqrt(before / Math.max(1, this.element.clientWidth)))));
  }

  drop() {
    this.chart?.finish();
    this.chart = null;
  }

  note(key, more = "") {
    this.drop();
    this.body.replaceChildren(h("div", { class: `note ${key}` }, h("p", {}, say(key)), ...(more ? [h("small", {}, more)] : [])));
  }

  fail(error) {
    this.drop();
    if (!error.kind) console.error(error); // a mistake in a spec, or in this page
    const again = h("button", { type: "button", class: "quiet", onclick: () => this.page.refresh() }, say("retry"));
    this.body.replaceChildren(h("div", { class: "note failed", role: "status" }, h("p", {}, failure(error.kind)), h("small", {}, error.message), again));
  }
}

/** Lets each panel span the rows between its edges; gives the rows' heights: of such with controls or words only their own. */
function bands(about, panels) {
  const edges = [...new Set(about.flatMap(({ grid }) => [grid.y, grid.y + grid.h]))].sort((one, other) => one - other);
  about.forEach(({ grid }, at) => {
    panels[at].element.style.gridRow = `${edges.indexOf(grid.y) + 1} / ${edges.indexOf(grid.y + grid.h) + 1}`;
  });
  return edges.slice(1).map((end, at) => {
    const inside = about.filter(({ grid }) => grid.y < end && grid.y + grid.h > edges[at]);
    const low = inside.every(({ kind, grid }) => LOW.includes(kind) && grid.y === edges[at] && grid.y + grid.h === end);
    return low ? "auto" : `${(end - edges[at]) * (ROW + GAP) - GAP}px`;
  }).join(" ");
}

function information(text) {
  return opener({ class: "info", title: text, "aria-label": say("about", text) }, "i", () => h("p", { class: "about" }, text));
}
