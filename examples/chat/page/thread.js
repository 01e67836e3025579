/** One open conversation: its messages by offset, each once, up to where it has come, and who has it open. */

import { Presence } from "./presence.js";

const PAGE = 50;
const RETRY_MS = 2000;

export class Thread {
  #client;
  #subscription;
  #changed;
  #byOffset = new Map();
  #presence;
  #epoch = "";
  #top = 0;
  #loading = false;
  #timer;
  hasEarlier = false;
  loaded = false;

  constructor(client, channel, { changed }) {
    this.channel = channel;
    this.#client = client;
    this.#changed = changed;
    this.#subscription = client.newSubscription(channel, { joinLeave: true });
    this.#subscription.on("publication", (each) => this.#take([each]));
    this.#subscription.on("subscribed", (context) => this.#subscribed(context));
    this.#presence = new Presence(this.#subscription, changed);
    this.#subscription.subscribe();
  }

  /** Messages, oldest first. A repetition after the gateway forgot its id would have the same id: the first one counts. */
  get messages() {
    const sorted = [...this.#byOffset].sort(([one], [other]) => one - other);
    const seen = new Set();
    return sorted.map(([, message]) => message).filter(({ id }) => !seen.has(id) && seen.add(id));
  }

  /**
   * Whether all that was stored up to a position has come, or is not kept any more.
   *
   * Without a connection that is unknown, also of another epoch: it may be the next one.
   */
  reached({ offset, epoch }) {
    if (!this.loaded || this.#subscription.state !== "subscribed") return false;
    return epoch !== this.#epoch || offset <= this.#top;
  }

  get here() {
    return this.#presence.people;
  }

  close() {
    clearTimeout(this.#timer);
    this.#subscription.unsubscribe();
    this.#subscription.removeAllListeners();
    this.#client.removeSubscription(this.#subscription);
  }

  /** Loads what was said before the oldest message that is here. */
  async loadEarlier() {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const offset = Math.min(...this.#byOffset.keys());
      await this.#load({ since: { offset, epoch: this.#epoch } });
    } catch {
      // The connection was lost on the way: the button is still there.
    } finally {
      this.#loading = false;
    }
  }

  #subscribed({ streamPosition, wasRecovering, recovered }) {
    // What was missed follows by itself; where some of it is gone, what is kept is loaded anew.
    if (this.loaded && wasRecovering && recovered) return;
    this.#byOffset.clear();
    this.#epoch = streamPosition.epoch;
    this.#top = streamPosition.offset;
    this.#begin();
  }

  async #begin() {
    clearTimeout(this.#timer);
    this.loaded = false;
    if (this.#subscription.state !== "subscribed") return; // the connection was lost again: the next one begins
    try {
      await this.#load();
    } catch {
      this.#timer = setTimeout(() => this.#begin(), RETRY_MS);
    }
  }

  async #load(since = {}) {
    const { publications } = await this.#subscription.history({ limit: PAGE, reverse: true, ...since });
    this.hasEarlier = publications.length === PAGE;
    this.loaded = true;
    this.#take(publications);
  }

  #take(publications) {
    for (const { offset, data } of publications) {
      this.#byOffset.set(offset, data);
      this.#top = Math.max(this.#top, offset);
    }
    this.#changed();
  }
}
