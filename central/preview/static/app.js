// The page: which dashboard, what narrows it, and when it asks anew. All of that stands in the address.

import { get } from "/api.js";
import { onFilter } from "/charts.js";
import { h, replaceKeepingFocus } from "/dom.js";
import { timeOfDay } from "/formats.js";
import { Panels } from "/panels.js";
import { elsewhere, filterOf, read, same, write } from "/state.js";
import { period, pills, queryBar, refreshing } from "/tools.js";
import { failure, nameOf, say, speak } from "/words.js";

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const at = (id) => document.getElementById(id);

let state = null; // as state.js reads it, complete but for what is the dashboard's own
let known = null; // all dashboards, in the language of the state
let dashboard = null;
let panels = null;
let ends = null; // of the period, as moments: once for all panels
let timer = 0;
let turns = 0;

const page = { chosen, choose, pick, refresh: load };

/** The filters in force: the address's, else the dashboard's own. */
const filters = () => state.filters ?? dashboard.filters;
const query = () => state.query ?? dashboard.query;
const span = () => (state.from ? { from: state.from, to: state.to } : dashboard.period);
const every = () => (dashboard.refresh.paused ? 0 : dashboard.refresh.seconds);

/** Goes to what the address says. */
async function follow() {
  const turn = ++turns;
  at("panels").dataset.state = "loading";
  const next = read(location.hash);
  // A link of a panel names the dashboard only: what the reader has set stays.
  const bare = next.bare ? { ...(state ? elsewhere(state, next.dashboard) : next), dashboard: next.dashboard } : next;
  try {
    const changed = await settle(bare, turn);
    if (turn !== turns) return; // somebody has gone on meanwhile
    history.replaceState(null, "", write(state));
    if (changed) {
      panels?.close();
      panels = new Panels(at("panels"), dashboard, page);
      scrollTo(0, 0);
    }
    head();
    await load();
  } catch (error) {
    fail(error);
  }
}

/** Takes a state over, and reads what it names; gives whether another dashboard is to be shown. */
async function settle(next, turn) {
  const language = next.language ?? state?.language;
  const all = known && known.language === language ? known : await get("/api/dashboards", language ? { language } : {});
  const { id } = all.dashboards.find((one) => one.id === next.dashboard) ?? all.dashboards[0];
  const changed = dashboard?.id !== id || known?.language !== all.language;
  const shown = changed ? await get(`/api/dashboard/${encodeURIComponent(id)}`, { language: all.language }) : dashboard;
  if (turn !== turns) return false;
  [known, dashboard, state] = [all, shown, { ...next, dashboard: id, language: all.language }];
  speak(known.language);
  return changed;
}

/** Goes on from the state as it is, in the history. */
function go(changes) {
  history.pushState(null, "", write({ ...state, ...changes }));
  follow();
}

function head() {
  document.title = `${dashboard.title} · pabx-shipper`;
  at("skip").textContent = say("skip");
  at("skip").onclick = (event) => {
    event.preventDefault(); // the address names the dashboard
    at("panels").focus();
  };
  at("tabs").setAttribute("aria-label", say("dashboards"));
  replaceKeepingFocus(at("tabs"), ...known.dashboards.map((one) => h("a", {
    href: write(elsewhere(state, one.id)), "aria-current": one.id === dashboard.id ? "page" : undefined, data: { key: one.id },
  }, one.title)));
  at("tabs").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  replaceKeepingFocus(at("languages"), ...known.languages.map((code) => h("button", {
    type: "button", lang: code, "aria-pressed": String(code === known.language), title: nameOf(code), "aria-label": nameOf(code),
    onclick: () => go({ language: code }), data: { key: code },
  }, code.slice(0, 2).toUpperCase())));
  replaceKeepingFocus(at("tools"),
    period(span(), state.from !== null, () => ends, (one) => go({ from: one?.from ?? null, to: one?.to ?? null })),
    queryBar(query(), dashboard.queries, (text) => go({ query: text }), (saved) => go({ query: saved.query, filters: added(saved.filters) })),
    refreshing(every(), state.paused, load, () => go({ paused: !state.paused }), wall));
  const shown = pills(filters(), (one) => go({ filters: filters().filter((_, place) => place !== one) }),
    (one) => go({ filters: filters().map((each, place) => (place === one ? { ...each, pinned: !each.pinned } : each)) }));
  at("pills").setAttribute("aria-label", say("filters"));
  at("pills").hidden = shown.length === 0;
  replaceKeepingFocus(at("pills"), ...shown);
}

/** Asks for all panels, and again after the dashboard's time from the end on: never two rounds at once. */
async function load() {
  clearTimeout(timer);
  at("panels").dataset.state = "loading"; // for whoever waits until all is drawn, as a test does
  try {
    ends = await get("/api/period", { ...span(), zone: ZONE });
    const context = { ...ends, query: query(), filters: filters().map(({ field, values, query: dsl, negate }) => (field ? { field, values, negate } : { query: dsl, negate })) };
    const { current, whole } = await panels.load(context);
    if (!current) return;
    at("updated").textContent = whole ? say("updated", timeOfDay(new Date())) : "";
  } catch (error) {
    if (error.kind === "period") {
      go({ from: null, to: null });
      return;
    }
    panels.all.forEach((one) => one.fail(error));
    at("updated").textContent = "";
  }
  at("panels").dataset.state = "complete";
  again();
}

function again() {
  clearTimeout(timer);
  // A page that nobody looks at asks nothing; it does as soon as somebody does.
  if (every() && !state.paused) timer = setTimeout(() => (document.hidden ? again() : load()), every() * 1000);
}

function fail(error) {
  at("panels").replaceChildren(h("div", { class: "note failed", role: "alert" },
    h("p", {}, failure(error.kind ?? "page")), h("small", {}, error.message),
    h("button", { type: "button", class: "quiet", onclick: () => location.reload() }, say("retry"))));
  if (!error.kind) console.error(error);
}

function added(more) {
  return [...filters(), ...more.filter((one) => !filters().some((each) => same(each, one)))];
}

/** Narrows to a field's value. */
function pick(field, value) {
  go({ filters: added([{ field, values: [value] }]) });
}

onFilter((dsl) => go({ filters: added([filterOf(dsl)]) }));

/** What a control has chosen. */
function chosen(field) {
  return filters().find((one) => one.control && one.field === field)?.values ?? [];
}

function choose(control, values) {
  const others = filters().filter((one) => !(one.control && one.field === control.field));
  const one = { field: control.field, values, label: control.label, control: true, pinned: control.pinned };
  go({ filters: values.length ? [...others, one] : others });
}

function wall() {
  document.documentElement.requestFullscreen?.().then(() => document.body.classList.add("wall"), () => {});
}

document.addEventListener("fullscreenchange", () => document.body.classList.toggle("wall", document.fullscreenElement !== null));
addEventListener("hashchange", follow);
follow();
