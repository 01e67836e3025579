/**
 * What was written and is not in its conversation yet: kept in this browser, and sent in order until it is stored.
 *
 * Each message has an id from the beginning, under which the gateway takes it once, however often it is sent.
 * The answer is the publication (`stored`), which is shown from here until the conversation has come to its position.
 */

import { randomId } from "./api.js";

const RETRY_MS = 2000;

export class Outbox {
  #messages; // { id, channel, text, time }, and { error } or { stored }
  #user;
  #prefix;
  #send;
  #changed;
  #busy = false;
  #stopped = false;
  #timer;

  constructor({ user, send, changed }) {
    this.#user = user;
    this.#prefix = `chat:outbox:${user}:`;
    this.#send = send;
    this.#changed = changed;
    this.#messages = this.#kept();
  }

  /** What belongs into a conversation and is not among its messages: `stored` as it will come there, and `waiting` to be. */
  missing(thread) {
    const shown = new Set(thread.messages.map(({ id }) => id));
    const missing = this.#in(thread).filter((each) => !shown.has(this.#published(each)));
    const stored = missing.flatMap((each) => each.stored?.data ?? []);
    return { stored, waiting: missing.filter((each) => !each.stored) };
  }

  add(channel, text) {
    const message = { id: randomId(), channel, text, time: Date.now() };
    this.#messages.push(message);
    this.#keep(message);
    this.#changed();
    this.flush();
  }

  /** Forgets what a conversation has: it has come to where that is stored, or shows what was refused at a repetition. */
  settle(thread) {
    const shown = new Set(thread.messages.map(({ id }) => id));
    for (const each of this.#in(thread)) {
      if (each.stored ? thread.reached(each.stored) : each.error && shown.has(this.#published(each))) this.remove(each.id);
    }
  }

  /** Forgets a message, since its conversation has it, or it is not wanted any more. */
  remove(id) {
    if (!this.#messages.some((each) => each.id === id)) return;
    this.#messages = this.#messages.filter((each) => each.id !== id);
    localStorage.removeItem(this.#prefix + id);
    this.#changed();
  }

  /** Sends what waits, one after the other; comes back to it later where that fails. */
  async flush() {
    if (this.#busy || this.#stopped) return;
    this.#busy = true;
    clearTimeout(this.#timer);
    for (let next; !this.#stopped && (next = this.#messages.find((each) => !each.stored && !each.error)); ) {
      if (!(await this.#deliver(next))) {
        if (!this.#stopped) this.#timer = setTimeout(() => this.flush(), RETRY_MS);
        break;
      }
    }
    this.#busy = false;
  }

  /** Tries a refused message again. */
  retry(id) {
    delete this.#messages.find((each) => each.id === id)?.error;
    this.#changed();
    this.flush();
  }

  /** Sends nothing more: whoever logs in next is another, and what is kept waits for its author. */
  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #deliver(message) {
    try {
      message.stored = await this.#send(message);
    } catch (refused) {
      if (refused.again) return false;
      message.error = refused.message;
      this.#changed();
      return true;
    }
    this.#keep(message);
    this.#changed();
    return true;
  }

  #in({ channel }) {
    return this.#messages.filter((each) => each.channel === channel);
  }

  /** The id under which everybody gets a message: the back end makes it of its author's and its own. */
  #published({ id }) {
    return `${this.#user}-${id}`;
  }

  #keep(message) {
    try {
      localStorage.setItem(this.#prefix + message.id, JSON.stringify(message));
    } catch {
      // Storage is full or forbidden: the message lives as long as the page.
    }
  }

  #kept() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix));
    return keys.map((key) => JSON.parse(localStorage[key])).sort((one, other) => one.time - other.time);
  }
}
