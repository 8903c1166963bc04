// What the page shows, kept in the address's hash: so that a link can be shared and the way back works.

/**
 * The state: dashboard (its id), language, from and to (as text; null: the dashboard's own), query (null: its own),
 * filters (null: its own; each `{field, values}` or `{query}`, with negate, label, pinned, control), paused.
 */
export function read(hash) {
  const [, id = "", rest] = hash.match(/^#\/view\/([^?]*)(?:\?(.*))?$/) ?? [];
  const given = new URLSearchParams(rest ?? "");
  return {
    dashboard: decodeURIComponent(id),
    language: given.get("l"),
    from: given.get("from"),
    to: given.get("to"),
    query: given.get("q"),
    filters: filtersOf(given.get("f")),
    paused: given.get("paused") === "1",
    bare: rest === undefined,
  };
}

/** Writes it as a hash. */
export function write(state) {
  const given = new URLSearchParams({ l: state.language });
  if (state.from && state.to) {
    given.set("from", state.from);
    given.set("to", state.to);
  }
  if (state.query !== null) given.set("q", state.query);
  if (state.filters !== null) given.set("f", JSON.stringify(state.filters));
  if (state.paused) given.set("paused", "1");
  return `#/view/${encodeURIComponent(state.dashboard)}?${given}`;
}

/** Gives the state of another dashboard: period and pinned filters stay, all else is its own. */
export function elsewhere(state, dashboard) {
  const pinned = (state.filters ?? []).filter((one) => one.pinned);
  return { ...state, dashboard, query: null, filters: pinned.length ? pinned : null };
}

/** Whether two filters narrow to the same. */
export function same(one, other) {
  const what = ({ field, values, query, negate }) => JSON.stringify([field, values, query, !!negate]);
  return what(one) === what(other);
}

/** Reads what a chart or cell filters by as a field's value, where it is one. */
export function filterOf(query) {
  const [kind, body] = Object.entries(query ?? {})[0] ?? [];
  if (kind === "match_phrase" || kind === "term") {
    const [field, value] = Object.entries(body)[0];
    return { field, values: [value?.value ?? value?.query ?? value] };
  }
  return { query };
}

function filtersOf(text) {
  try {
    const filters = JSON.parse(text ?? "null");
    return Array.isArray(filters) ? filters.filter((one) => one && (one.field || one.query)) : null;
  } catch {
    return null;
  }
}
