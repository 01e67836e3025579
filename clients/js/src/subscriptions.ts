// The channels that the application listens to: each is subscribed anew on every connection, from where it was.

import type { Subscribing } from "./api.js";
import { Delivery, tell } from "./delivery.js";
import { ALREADY_SUBSCRIBED, makeError, NOT_AVAILABLE } from "./errors.js";
import { encode } from "./frames.js";
import type { Link } from "./link.js";
import { epochOf } from "./position.js";
import type { Request, Requests } from "./requests.js";

interface Subscription extends Delivery {
  readonly channel: string;
  unsubscribe(): void;
  /** What it was asked for with. */
  readonly _asked: Subscribing;
  /** The connection on which the server brings it. */
  _link: Link | null;
  /** What asked for it last. */
  _request?: Request;
}

/** Hold the subscriptions; `findLink` gives the connection that takes requests now, if there is one. */
export function makeSubscriptions(findLink: () => Link | undefined, requests: Requests) {
  const subscriptions = new Map<string, Subscription>();

  const ask = (subscription: Subscription): void => {
    const link = findLink();
    if (!link) return;
    const { channel, position, _asked } = subscription;
    if (link._isSse) {
      // Whoever subscribes may listen first. A later connection may be by WebSocket again.
      queueMicrotask(() => tell(subscription, "error", makeError(NOT_AVAILABLE, "no WebSocket")));
      return;
    }
    const fields = { channel, since: epochOf(position) ? position : _asked.since, data: _asked.data };
    subscription._request = requests._add("subscribe", fields, (error, ok) => {
      if (subscriptions.get(channel) !== subscription) return;
      if (ok) {
        subscription._link = link;
        subscription._resume(ok.position ?? "");
        tell(subscription, "subscribed");
      } else {
        subscriptions.delete(channel);
        tell(subscription, "error", error);
      }
    });
  };

  return {
    _channels: subscriptions,

    _add(channel: string, asked: Subscribing): Subscription {
      if (subscriptions.has(channel)) throw makeError(ALREADY_SUBSCRIBED, "already subscribed");
      const unsubscribe = (): void => {
        if (subscriptions.get(channel) !== subscription) return;
        subscriptions.delete(channel);
        requests._settle(subscription._request);
        const link = findLink();
        if (link && !link._isSse) requests._add("unsubscribe", { channel });
      };
      const subscription: Subscription = Object.assign(new Delivery(), {
        channel,
        unsubscribe,
        _asked: JSON.parse(encode(asked)),
        _link: null as Link | null,
      });
      subscriptions.set(channel, subscription);
      ask(subscription);
      return subscription;
    },

    /** Subscribe on a new connection. */
    _resume: () => subscriptions.forEach(ask),
  };
}
