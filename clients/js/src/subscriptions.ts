// The channels that the application listens to: each is subscribed anew on every connection, from where it was.

import { Delivery, tell } from "./delivery.js";
import { ALREADY_SUBSCRIBED, makeError, NOT_AVAILABLE } from "./errors.js";
import type { Link } from "./link.js";
import { epochOf } from "./position.js";
import type { Request, Requests } from "./requests.js";

interface Subscription extends Delivery {
  readonly channel: string;
  unsubscribe(): void;
  readonly _since: string | undefined;
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
    const { channel, position, _since } = subscription;
    if (link._isSse) {
      // Whoever subscribes may listen first. A later connection may be by WebSocket again.
      queueMicrotask(() => tell(subscription, "error", makeError(NOT_AVAILABLE, "no WebSocket")));
      return;
    }
    subscription._request = requests._add("subscribe", { channel, since: epochOf(position) ? position : _since }, (ok, error) => {
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

    _add(channel: string, _since?: string): Subscription {
      if (subscriptions.has(channel)) throw makeError(ALREADY_SUBSCRIBED, "already subscribed");
      const unsubscribe = (): void => {
        if (subscriptions.get(channel) !== subscription) return;
        subscriptions.delete(channel);
        requests._settle(subscription._request);
        const link = findLink();
        if (link && !link._isSse) requests._add("unsubscribe", { channel });
      };
      const subscription: Subscription = Object.assign(new Delivery(), { channel, unsubscribe, _since, _link: null as Link | null });
      subscriptions.set(channel, subscription);
      ask(subscription);
      return subscription;
    },

    /** Subscribe on a new connection. */
    _resume: () => subscriptions.forEach(ask),
  };
}
