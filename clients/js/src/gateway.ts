// What the application holds: a user's inbox, and what can be asked of the server.

import type { Asking, Options, State, StateChange, Subscribing } from "./api.js";
import { readAddress } from "./address.js";
import { CONNECTING, makeConnector } from "./connector.js";
import { makeCursor } from "./cursor.js";
import { Delivery, tell } from "./delivery.js";
import { makeError } from "./errors.js";
import type { GapFrame, MessageFrame } from "./frames.js";
import { watchPage } from "./page.js";
import { epochOf } from "./position.js";
import { makeRequests } from "./requests.js";
import { makeSubscriptions } from "./subscriptions.js";

/** Make up an id of 128 random bits; `randomUUID` is kept from pages that came by plain HTTP. */
const makeId = (): string => crypto.getRandomValues(new Uint32Array(4)).join("-");

export function makeGateway(url: string | URL, options: Options = {}) {
  const { device, since, autoAck = true } = options;
  const life = new AbortController();
  let inbox = "";
  let ended: Error | undefined;
  let delivering = 0; // 1 while its listeners have a message, more where one of them closes

  const findLink = () => connector._findOpen();
  const requests = makeRequests(findLink);
  const subscriptions = makeSubscriptions(findLink, requests);

  const cursor = makeCursor(() => device && findLink());

  const deliver = (frame: MessageFrame | GapFrame): void => {
    const subscription = subscriptions._channels.get(frame.channel);
    if (subscription && subscription._link === findLink()) subscription._take(frame);
    else if (frame.channel === inbox) {
      delivering = 1;
      if (gateway._take(frame) && autoAck) cursor._advance(gateway.position, gateway.position);
      if (delivering > 1) connector._end();
      delivering = 0;
    }
  };

  const change = (state: State, { code, reason, data }: Omit<StateChange, "state"> = {}): void => {
    const isNews = state !== gateway.state || code;
    gateway.state = state;
    if (state === "closed") {
      ended = makeError(code!, reason!);
      life.abort();
      requests._end(code!, reason!);
    }
    if (isNews) tell(gateway, "state", { state, code, reason, data });
  };

  const connector = makeConnector(options, readAddress(url, options), {
    _since: () => (epochOf(gateway.position) ? gateway.position : since),
    _greet({ user, position }) {
      inbox = `#${user}`;
      gateway._resume(position);
      cursor._begin();
      subscriptions._resume();
      requests._flush();
    },
    _takers: {
      ok: requests._answer,
      error(frame) {
        if (frame.ref) requests._refuse(frame);
        else tell(gateway, "error", makeError(frame.code, frame.detail || frame.message));
      },
      message: deliver,
      gap: deliver,
    },
    _lose() {
      cursor._flush();
      requests._lose();
    },
    _failLargest: requests._failLargest,
    _change: change,
  });

  const ask = (type: string, fields: object, { id, signal }: Asking = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (ended) throw ended;
      const giveUp = () => requests._settle(request, signal!.reason);
      const settle = (error?: unknown, ok?: { offset?: number }) => {
        signal?.removeEventListener("abort", giveUp);
        if (ok) resolve(ok.offset ?? 0);
        else reject(error);
      };
      const request = requests._add(type, fields, settle, id || makeId());
      signal?.addEventListener("abort", giveUp);
    });

  const gateway = Object.assign(new Delivery(), {
    state: CONNECTING as State,

    send: (to: string, data: unknown, asking?: Asking) => ask("send", { to, data }, asking),
    publish: (channel: string, data: unknown, asking?: Asking) => ask("publish", { channel, data }, asking),

    subscribe(channel: string, asked: Subscribing = {}) {
      if (ended) throw ended;
      return subscriptions._add(channel, asked);
    },

    ack({ channel, position }: { channel: string; position: string }): void {
      if (channel === inbox) cursor._advance(position, gateway.position);
    },

    close(): void {
      if (delivering) delivering++;
      else if (!ended) connector._end();
    },
  });

  const listeners = {
    online: connector._changeNetwork,
    offline: connector._changeNetwork,
    focus: connector._wake,
    pageshow: connector._wake,
    resume: connector._wake,
    visibilitychange() {
      cursor._flush();
      if (!document.hidden) connector._wake(); // a page that is left is hidden after it was suspended
    },
    // The page sleeps, is kept for the way back, or ends: an open connection would keep it from that.
    freeze: connector._suspend,
    pagehide: connector._suspend,
  };
  watchPage(listeners, life.signal);
  connector._connect();
  return gateway;
}
