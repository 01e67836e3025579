// What the application has processed of the inbox, and when that is told: a few times a second, and at once when the
// page is left.

import type { Link } from "./link.js";
import { epochOf, isAfter } from "./position.js";

/** Milliseconds that an acknowledgement waits for the next one; the gateway writes them a few times a second, too. */
const ACK_DELAY = 200;

/** Hold a cursor; `findLink` gives the connection that takes it now, if there is one. */
export function makeCursor(findLink: () => Link | "" | undefined) {
  let processed = "";
  let told = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  const flush = (): void => {
    timer = clearTimeout(timer) as undefined;
    const link = findLink();
    if (link && processed !== told) link._ack((told = processed));
  };

  return {
    _flush: flush,

    /** Note that the inbox is processed up to a position; never goes back, nor to an epoch that has passed. */
    _advance(position: string, taken: string): void {
      if (epochOf(position) !== epochOf(taken) || !isAfter(position, processed)) return;
      processed = position;
      timer ??= setTimeout(flush, ACK_DELAY);
    },

    /** Begin a connection: what was told before may have been lost. */
    _begin(): void {
      told = "";
      flush();
    },
  };
}
