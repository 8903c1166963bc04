// The page's server: never more than a few requests at once, and none to anyone else.

const MOST = 4;
const waiting = [];
let running = 0;

/** What the server says went wrong: `kind` as in the words, `message` in English for whoever mends it. */
export class Failure extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Gives the answer to a GET. */
export const get = (path, query = {}) => ask(`${path}?${new URLSearchParams(query)}`, {});

/** Gives the answer to a POST, which waits while others run. */
export async function post(path, body, signal) {
  if (running >= MOST) await new Promise((go) => waiting.push(go));
  else running += 1;
  try {
    signal.throwIfAborted();
    return await ask(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("network", error.message);
  }
  const body = await response.json().catch(() => ({ error: `HTTP ${response.status}` }));
  if (!response.ok) throw new Failure(body.kind, body.error);
  return body;
}
