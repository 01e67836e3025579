/** Asks the back end; what it says no to is an Error whose message is its own sentence. */

const SECONDS = 10;

export class Refused extends Error {
  /** `again` tells whether the same may work later: no network, no gateway, a back end that restarts. */
  constructor(message, status, again) {
    super(message);
    this.status = status;
    this.again = again;
  }
}

/** `user` says whose page this is: another tab may have made the browser somebody else's, and is refused by 401 then. */
export async function post(path, body = {}, user = null) {
  const headers = { "Content-Type": "application/json", ...(user && { "Chat-User": user }) };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) });
}

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, signal: AbortSignal.timeout(SECONDS * 1000) });
  } catch {
    throw new Refused("no connection", 0, true);
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(said?.error ?? `error ${answer.status}`, answer.status, answer.status >= 500);
  if (!said && answer.status !== 204) throw new Refused("no connection", 0, true); // cut off, or another's: a network that wants a login
  return said;
}

/** Makes text that nobody else makes; `crypto.randomUUID` is missing where the page comes over plain HTTP from elsewhere. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
