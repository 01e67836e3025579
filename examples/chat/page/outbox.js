/**
 * What was written and is not stored yet: kept in this browser, and sent in order until the back end has it.
 *
 * Each message has an id from the beginning, under which the gateway takes it once, however often it is sent.
 */

import { randomId } from "./api.js";

const RETRY_MS = 2000;

export class Outbox {
  #messages;
  #prefix;
  #send;
  #changed;
  #busy = false;
  #stopped = false;
  #timer;

  constructor({ user, send, changed }) {
    this.#prefix = `chat:outbox:${user}:`;
    this.#send = send;
    this.#changed = changed;
    this.#messages = this.#kept();
  }

  in(channel) {
    return this.#messages.filter((each) => each.channel === channel);
  }

  add(channel, text) {
    const message = { id: randomId(), channel, text, time: Date.now() };
    this.#messages.push(message);
    this.#keep(message);
    this.#changed();
    this.flush();
  }

  /** Forgets a message, since it is stored, or not wanted any more. */
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
    for (let next; !this.#stopped && (next = this.#messages.find((each) => !each.error)); ) {
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
      await this.#send(message);
    } catch (refused) {
      if (refused.again) return false;
      message.error = refused.message;
      this.#changed();
      return true;
    }
    this.remove(message.id);
    return true;
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
