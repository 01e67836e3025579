/**
 * The chat of somebody who is logged in. What happens comes from the gateway, by Centrifugo's SDK:
 *
 * an open conversation is a subscription (thread.js); what concerns this person anywhere comes by their inbox
 * (unread.js). What they write goes to the back end (outbox.js). This file ties them together.
 */

import { post, randomId } from "./api.js";
import { makeClient } from "./gateway.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { Thread } from "./thread.js";
import { Unread } from "./unread.js";
import { focusEntry, focusThread, show, showChat, showState } from "./view.js";

const RETRY_MS = 2000;

export class Chat {
  #people; // by id: known from the start, or met since
  #rooms;
  #client;
  #presence;
  #thread = null;
  #unread = new Unread();
  #acknowledged = -1;
  #marked = {};
  #marking = false;
  #stopped = false;
  #frame = 0;

  /** `narrow` tells whether a conversation covers the list; `lost` is called when this browser is not this person's any more. */
  constructor({ me, gateway, rooms, people }, { narrow, lost }) {
    this.me = me;
    this.narrow = narrow;
    this.lost = lost;
    this.#rooms = rooms;
    this.#people = new Map(people.map((person) => [person.id, person]));
    this.outbox = new Outbox({ user: me.id, send: (message) => this.#send(message), changed: () => this.show() });
    this.#client = makeClient(gateway, { getToken: () => this.#token(), data: { device: device() } });
    this.#client.on("state", ({ newState }) => {
      showState(newState);
      this.show();
    });
    this.#client.on("connected", () => this.outbox.flush());
    this.#client.on("subscribed", ({ streamPosition }) => this.#unread.begin(streamPosition));
    this.#client.on("publication", ({ offset, data }) => this.#take(offset, data));
    const everybody = this.#client.newSubscription("people:online", { joinLeave: true });
    this.#presence = new Presence(everybody, () => this.show());
    everybody.subscribe();
  }

  start(asked) {
    showChat(this.me);
    this.#client.connect();
    this.open(asked);
  }

  stop() {
    this.#stopped = true;
    cancelAnimationFrame(this.#frame);
    this.outbox.stop();
    this.#client.disconnect();
  }

  /** Opens a conversation; where there is room for it beside the list, there is always one. */
  open(asked, { focus = false } = {}) {
    const all = this.conversations;
    const left = this.#thread?.channel;
    const next = all.find(({ channel }) => channel === asked) ?? (this.narrow() ? null : all[0]);
    if (next?.channel !== left) {
      this.#thread?.close();
      this.#thread = next ? new Thread(this.#client, next.channel, { changed: () => this.show() }) : null;
    }
    this.#showNow();
    if (!focus) return;
    if (next) focusThread(!this.narrow());
    else focusEntry(left);
  }

  say(text) {
    this.outbox.add(this.#thread.channel, text);
  }

  /* What is shown */

  get thread() {
    return this.#thread;
  }

  get state() {
    return this.#client.state;
  }

  get online() {
    return this.#presence.people;
  }

  /** Everything that can be opened: the rooms, then all other people. */
  get conversations() {
    for (const person of this.online) this.#people.set(person.id, person);
    const others = [...this.#people.values()].filter(({ id }) => id !== this.me.id);
    const direct = others.map((person) => ({ channel: directChannel(this.me, person), name: person.name, person }));
    return [...this.#rooms, ...direct.sort((one, other) => one.name.localeCompare(other.name))];
  }

  /** What somebody looks at is not unread, though its mark may be on the way. */
  unread(channel) {
    return channel === this.#looksAt ? 0 : this.#unread.count(channel);
  }

  get #looksAt() {
    return document.visibilityState === "visible" && this.#thread?.loaded ? this.#thread.channel : "";
  }

  /** Shows what has changed, at most once a frame. */
  show() {
    this.#frame ||= requestAnimationFrame(() => this.#showNow());
  }

  #showNow() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#stopped) return;
    if (this.#thread) this.outbox.settle(this.#thread);
    show(this);
    this.#markRead();
  }

  /* What comes into the inbox, and what goes */

  #take(offset, data) {
    if (!this.#unread.take(offset, data)) return;
    if (data.type === "message") this.#people.set(data.from.id, data.from);
    this.#acknowledge();
    this.show();
  }

  /** Moves this device's cursor to where nothing before it is unread. */
  #acknowledge() {
    const { done } = this.#unread;
    if (done.offset === this.#acknowledged) return;
    this.#acknowledged = done.offset;
    // One that is lost does no harm: what it covered comes again, and is folded again.
    this.#client.rpc("ack", done).catch(() => (this.#acknowledged = -1));
  }

  /** Tells all devices of this person that what they look at is read; one mark at a time, however much comes meanwhile. */
  async #markRead() {
    const channel = this.#looksAt;
    const offset = channel && this.#unread.newest(channel);
    const said = this.#marked.channel === channel && this.#marked.offset === offset;
    if (!offset || said || this.#marking || this.#stopped) return;
    this.#marking = true;
    try {
      await this.#post("api/read", { channel, offset });
      this.#marked = { channel, offset };
    } catch {
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
    this.#marking = false;
    this.#markRead();
  }

  #send({ id, channel, text }) {
    return this.#post("api/send", { id, channel, text });
  }

  async #token() {
    return (await this.#post("api/token")).token;
  }

  /** Asks the back end as this person, and as nobody else. */
  async #post(path, body) {
    try {
      return await post(path, body, this.me.id);
    } catch (refused) {
      if (refused.status === 401 && !this.#stopped) this.lost();
      throw refused;
    }
  }
}

function directChannel(me, person) {
  return `dm:#${[me.id, person.id].sort((one, other) => one - other).join(",")}`;
}

/** Names this browser: the gateway keeps a cursor for it. */
function device() {
  localStorage["chat:device"] ??= `browser-${randomId()}`;
  return localStorage["chat:device"];
}
