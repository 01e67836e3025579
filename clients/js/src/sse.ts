// A link without a WebSocket: server-sent events bring frames, and each request is a POST.
//
// The stream is read by fetch: EventSource hides why it was refused, and comes back by itself with a URL of the past.

import { now } from "./clock.js";
import { lost, LOST, UNAUTHORIZED } from "./errors.js";
import { encode } from "./frames.js";
import type { OpenLink } from "./link.js";
import { isLate } from "./requests.js";

/** Milliseconds for the answer to one request. */
const ANSWER = 10_000;

export const openSse: OpenLink = (locate, since, token, hear) => {
  const controller = new AbortController();
  const { signal } = controller;
  let posted: Promise<void> = Promise.resolve();

  // With cookies, as a WebSocket sends them to whichever origin: they may be all that says who the user is.
  const ask = (path: string, options: RequestInit, since?: string): Promise<Response> =>
    fetch(locate(path, { token, since }), { credentials: "include", ...options });

  // Text, unlike JSON, is sent without a question to the server before (Fetch, CORS-safelisted request headers).
  const post = (path: string, fields: object, options: RequestInit): Promise<Response> =>
    ask(path, { method: "POST", body: encode(fields), ...options });

  const listen = async (): Promise<void> => {
    const response = await ask("sse", { signal }, since);
    const { status } = response;
    if (status !== 200) {
      const told = await response.json().catch(() => ({}));
      const { code = status === 401 ? UNAUTHORIZED : LOST, message = status, detail = message } = told;
      // Others may be answered better the next time; 404: who has no such path may have the other one.
      return hear(lost(detail, code, code !== LOST && status < 404 && status));
    }
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let data = "";
    let rest = "";
    for (let part; !(part = await reader.read()).done; ) {
      hear("");
      const lines = (rest + part.value).split(/\r?\n/);
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith("data:")) data += line.slice(5) + "\n";
        else if (!line) {
          hear(data);
          data = "";
        }
      }
    }
    hear(lost());
  };

  listen().catch((error) => hear(lost(error)));
  return {
    _isSse: true,
    // One after the other, so that they keep their order.
    _request(request) {
      posted = posted.then(async () => {
        let told;
        try {
          if (!isLate(request)) {
            request._since ||= now();
            const limits = { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER)]) };
            const response = await post(request._type, request._fields, limits);
            // What is wrong with the token will be told to the next connection.
            if (response.status === 401) return hear(lost(401));
            told = await response.json(); // which may be a proxy's own
          }
        } catch {
          // Nobody knows the outcome.
        }
        hear({ ...told, type: told?.offset >= 0 ? "ok" : "error", ref: request._ref });
      });
    },
    // It may be the last thing that a page does (`keepalive`); one that is lost is told again after a reconnect.
    _ack: (position) => post("ack", { position }, { keepalive: true }).catch(() => {}),
    _close: () => controller.abort(),
  };
};
