// A world for the client: a clock that tests move on, a network where they are the server, and a page that they turn.

import { connect } from "trio-gateway";

export const HELLO = { type: "hello", user: "7", client: "c", ping: 25, position: "e:0" };
export const message = (offset, fields) => ({ type: "message", channel: "#7", offset, data: offset, time: 1, ...fields });

/** Give what runs by promises and streams its turn. */
export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => setImmediate(done));
}

class Clock {
  now = 1_000_000;
  timers = new Map();
  #ids = 0;

  setTimeout = (callback, delay = 0) => {
    this.timers.set((this.#ids += 1), { callback, due: this.now + Math.max(delay, 0) });
    return this.#ids;
  };

  clearTimeout = (id) => void this.timers.delete(id);

  /** Let milliseconds pass, and what is due happen. */
  async pass(milliseconds) {
    const end = this.now + milliseconds;
    await settle();
    for (let next; (next = this.#next(end)); await settle()) {
      const [id, { callback, due }] = next;
      this.now = Math.max(this.now, due);
      this.timers.delete(id);
      callback();
    }
    this.now = end;
  }

  /** Let milliseconds pass in which no timer runs: the machine is asleep. */
  sleep(milliseconds) {
    this.now += milliseconds;
    for (const timer of this.timers.values()) timer.due += milliseconds;
  }

  #next(end) {
    const due = [...this.timers].filter(([, timer]) => timer.due <= end);
    return due.sort(([, one], [, other]) => one.due - other.due)[0];
  }
}

/** The server's end of a WebSocket, and in its prototype the client's. */
class Socket {
  sent = [];
  state = "connecting";

  constructor(url, protocols) {
    this.url = new URL(url);
    this.protocols = protocols;
    Socket.world.sockets.push(this);
  }

  // What the client does.

  send(text) {
    if (this.state === "open") this.sent.push(JSON.parse(text));
  }

  close() {
    this.state = "closed by the client";
  }

  // What the server does.

  /** Greet, after the opening. */
  greet(fields) {
    this.state = "open";
    this.say({ ...HELLO, ...fields });
  }

  say(...frames) {
    for (const frame of frames) this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  shut(code = 1006, reason = "") {
    this.state = "closed by the server";
    this.onclose?.({ code, reason });
  }

  /** Give what was sent of a type. */
  of(type) {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** A request by HTTP, which the test answers. */
class Exchange {
  constructor(url, { method = "GET", body, signal, keepalive = false, credentials = "same-origin" } = {}) {
    Object.assign(this, { url: new URL(url), method, body: body && JSON.parse(body), keepalive, credentials });
    this.response = new Promise((answer, fail) => {
      this.answer = (status, told) => answer(typeof told === "string" ? new Response(told, { status }) : Response.json(told, { status }));
      this.fail = () => fail(new TypeError("fetch failed"));
      signal?.addEventListener("abort", () => {
        this.aborted = true;
        fail(signal.reason);
      });
    });
  }

  /** Begin a stream of events. */
  open(fields) {
    const stream = new TransformStream();
    this.writer = stream.writable.getWriter();
    this.response = this.response.catch(() => {});
    this.answerWith(new Response(stream.readable.pipeThrough(new TextEncoderStream())));
    return this.say({ ...HELLO, ...fields });
  }

  say(...frames) {
    return this.write(frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(""));
  }

  async write(text) {
    this.writer.write(text).catch(() => {});
    await settle();
  }

  async end() {
    this.writer.close().catch(() => {});
    await settle();
  }
}

export class World {
  clock = new Clock();
  sockets = [];
  exchanges = [];
  share = 0.5; // of the bound of each delay
  #before = {};
  #listeners = new Set();
  #gateways = [];
  #undo = [];

  constructor(t, { WebSocket = Socket, page = false } = {}) {
    Socket.world = this;
    const { clock } = this;
    this.#put("setTimeout", clock.setTimeout);
    this.#put("clearTimeout", clock.clearTimeout);
    this.#put("Date", class extends Date { static now = () => clock.now; });
    this.#put("WebSocket", WebSocket);
    this.#put("fetch", (url, options) => this.#fetch(url, options));
    const random = Math.random;
    Math.random = () => this.share;
    if (page) this.#makePage();
    t.after(() => {
      for (const gateway of this.#gateways) gateway.close();
      Math.random = random;
      for (const undo of this.#undo) undo();
      for (const [name, before] of Object.entries(this.#before)) {
        if (before) Object.defineProperty(globalThis, name, before);
        else delete globalThis[name];
      }
    });
  }

  #put(name, value) {
    this.#before[name] ??= Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }

  #makePage() {
    this.window = new EventTarget();
    this.document = { hidden: false };
    this.navigator = { onLine: true };
    this.#put("document", this.document);
    this.#put("navigator", this.navigator);
    this.#put("addEventListener", (type, listener, options) => {
      this.#listeners.add(listener);
      options.signal.addEventListener("abort", () => this.#listeners.delete(listener));
      this.window.addEventListener(type, listener, options);
    });
  }

  #fetch(url, options) {
    const exchange = new Exchange(url, options);
    this.exchanges.push(exchange);
    return new Promise((answer, fail) => {
      exchange.answerWith = answer;
      exchange.response.then(answer, fail);
    });
  }

  /** Connect; `told` of what is given holds all that was told, oldest first. */
  async connect(options, url = "ws://gateway.example/ws") {
    const gateway = (this.gateway = connect(url, options));
    this.#gateways.push(gateway);
    gateway.told = [];
    for (const type of ["message", "gap", "state", "error"]) {
      gateway.addEventListener(type, ({ detail }) => gateway.told.push(type === "error" ? detail : present(detail)));
    }
    await settle();
    return gateway;
  }

  /** Connect and greet. */
  async online(options, hello) {
    const gateway = await this.connect(options);
    this.socket.greet(hello);
    return gateway;
  }

  /** The newest connection. */
  get socket() {
    return this.sockets.at(-1);
  }

  get exchange() {
    return this.exchanges.at(-1);
  }

  /** Everything that would outlive a client which was closed. */
  get leftovers() {
    const open = this.sockets.filter((socket) => ["connecting", "open"].includes(socket.state));
    return { timers: this.clock.timers.size, listeners: this.#listeners.size, sockets: open.length };
  }

  async pass(milliseconds) {
    await this.clock.pass(milliseconds);
  }

  /** Let the time limits of signals be of this world's clock as well. */
  timeOut() {
    const { timeout } = AbortSignal;
    AbortSignal.timeout = (milliseconds) => {
      const controller = new AbortController();
      this.clock.setTimeout(() => controller.abort(), milliseconds);
      return controller.signal;
    };
    this.#undo.push(() => (AbortSignal.timeout = timeout));
  }

  /** Wait for the next attempt to connect. */
  async next() {
    const count = () => this.sockets.length + this.exchanges.filter(({ method }) => method === "GET").length;
    for (const before = count(); count() === before; ) await this.pass(250);
  }

  /** Something happens to the page. */
  async happens(type, { hidden = this.document.hidden, onLine = this.navigator.onLine } = {}) {
    this.document.hidden = hidden;
    this.navigator.onLine = onLine;
    this.window.dispatchEvent(new Event(type));
    await settle();
  }
}

/** Give the fields that have a value. */
const present = (detail) => JSON.parse(JSON.stringify(detail));

/** Give the states that a gateway told of, with the codes that go with them. */
export const states = (gateway) =>
  gateway.told.filter(({ state }) => state).map(({ state, code }) => (code ? `${state} ${code}` : state));

/** Give the data of the messages that something told of. */
export const received = ({ told }) => told.filter(({ type }) => type === "message").map(({ data }) => data);
