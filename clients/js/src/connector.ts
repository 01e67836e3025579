// One connection after the other, until the server says not to come back or the gateway is closed.
//
// A page is not told why its WebSocket failed. So the next attempt is made by HTTP, which tells: a server that is away
// fails there as well, and a refused token is refused with its reason. Where it goes through, a WebSocket is tried once
// more, now that the server is known to be there; if that fails too, one does without, and tries again now and then.

import type { Options, State, StateChange } from "./api.js";
import { nextDelay } from "./backoff.js";
import { now } from "./clock.js";
import { isTerminal, lost, MESSAGE_TOO_BIG, NORMAL } from "./errors.js";
import type { Frame, Goodbye, Hello, Lost, Takers } from "./frames.js";
import type { Link, Locate } from "./link.js";
import { openSse } from "./sse.js";
import { openWebSocket } from "./websocket.js";

/** Milliseconds after which one that does without tries a WebSocket again. */
const WEBSOCKET_AGAIN = 300_000;

/** Milliseconds: for the token and the hello, which waits for the store; and from a goodbye to the Close. */
const PATIENCE = 10_000;

/** Milliseconds that a ping may be late, as in the Python client. */
const PING_GRACE = 10_000;

/** Milliseconds after its hello from which a connection was worth its name: the next loss begins at the first bound. */
const STABLE = 5_000;

/** Has a name, as that is what the minifier shortens. */
export const CONNECTING = "connecting" satisfies State;

/** What is connected: it knows where to go on from, and takes what comes. */
export interface Owner {
  _since(): string | undefined;
  _greet(hello: Hello): void;
  /** Take the frames of the types that the connector does not know. */
  readonly _takers: Takers<"ok" | "error" | "message" | "gap">;
  /** The connection ends; what is sent now may still get through. */
  _lose(): void;
  /** The server found a frame too big; false where it was none of ours. */
  _failLargest(): boolean;
  /** Be in a state; `cause` is the frame that says why, if one does. */
  _change(state: State, cause?: Omit<StateChange, "state">): void;
}

export function makeConnector({ token }: Options, locate: Locate, owner: Owner) {
  const { WebSocket, navigator } = globalThis;
  let link: Link | undefined;
  let open: Link | undefined; // from its hello to its goodbye
  let attempts = 0; // what an earlier one still says is not heard
  let losses = 0;
  let failed: boolean | undefined; // a WebSocket came to no hello
  let doubted: boolean | undefined; // one was tried again, as the server was there
  let timer: ReturnType<typeof setTimeout> | undefined;
  let patience: number;
  let deadline: number; // for a sign of life, or until which one is left alone
  let due = 0; // until when the server wants to be left alone
  let greetedAt: number | undefined;
  let goodbye: Goodbye | undefined;
  let renewed = false; // a token was refused, and the next attempt is the last

  /** Let go of the connection, and of what it might still say. */
  const drop = (): void => {
    owner._lose();
    clearTimeout(timer);
    attempts++;
    deadline = due;
    link?._close();
    link = open = goodbye = greetedAt = undefined;
  };

  const end = (): void => {
    drop();
    owner._change("closed", lost("closed", NORMAL));
  };

  const expect = (milliseconds: number): void => {
    patience = milliseconds;
    deadline = now() + patience;
    watch();
  };

  const watch = (): void => {
    clearTimeout(timer);
    if (now() >= deadline) lose(lost("silence"));
    else if (WebSocket && open?._isSse && now() - greetedAt! > WEBSOCKET_AGAIN) changeNetwork();
    else timer = setTimeout(watch, deadline - now());
  };

  /** Connect now, whatever is under way. */
  const connect = async (): Promise<void> => {
    drop();
    const attempt = attempts;
    expect(PATIENCE);
    owner._change(CONNECTING);
    const hear = (told: string | Frame): void => {
      if (attempt !== attempts) return;
      deadline = now() + patience;
      try {
        if (told) take((told as Frame).type ? (told as Frame) : JSON.parse(told as string));
      } catch (error) {
        lose(lost(error));
      }
    };
    try {
      await undefined; // whoever connects may listen first, or close
      if (attempt !== attempts) return;
      const shown = await (typeof token === "function" ? token() : token);
      if (attempt !== attempts) return;
      link = (WebSocket && !failed ? openWebSocket : openSse)(locate, owner._since(), shown, hear);
    } catch (error) {
      hear(lost(error));
    }
  };

  /** Connect over a network of which nothing is known. */
  const changeNetwork = (): void => {
    failed = doubted = false;
    losses = 0;
    connect();
  };

  const greet = (hello: Hello): void => {
    if (link!._isSse && !doubted && WebSocket) {
      doubted = true;
      failed = false;
      connect();
      return;
    }
    open = link;
    doubted = link!._isSse;
    renewed = false;
    greetedAt = now();
    expect(hello.ping * 1_000 + PING_GRACE);
    owner._greet(hello);
    owner._change("online", hello);
  };

  /** Judge how a connection ended, and come back or not. */
  const lose = (loss: Lost): void => {
    failed = link && !link._isSse && !greetedAt;
    if (now() - greetedAt! >= STABLE) losses = 0;
    if (loss._refused === 401 && !renewed) {
      renewed = true;
      connect();
      return;
    }
    // Too big was a frame of ours, or else one of theirs, which would be as big the next time.
    const isOver = loss._refused || (loss.code === MESSAGE_TOO_BIG && !owner._failLargest());
    const cause = goodbye ?? loss;
    let wait = nextDelay(losses++);
    if (goodbye) {
      wait = goodbye.reconnect_ms!;
      due = now() + wait;
    }
    drop();
    let state: State = "offline";
    if (isOver || isTerminal(cause.code) || wait == null) state = "closed";
    else if (navigator?.onLine !== false) {
      state = CONNECTING;
      timer = setTimeout(connect, wait);
    }
    owner._change(state, cause);
  };

  const take = (frame: Frame): void => (takers as Record<string, (frame: Frame) => void>)[frame.type]?.(frame);

  const takers: Takers = {
    ...owner._takers,
    hello: greet,
    lost: lose,
    ping: () => link!._pong!(),
    goodbye(frame) {
      goodbye = frame;
      open = undefined;
      expect(PATIENCE);
    },
  };

  return {
    _connect: connect,
    _end: end,
    _findOpen: () => open,

    /** Let go until somebody wakes us. */
    _suspend(): void {
      drop();
      owner._change(CONNECTING);
    },

    /** Connect if there is nothing that lives: timers may have stood still, and nobody told of the loss. */
    _wake(): void {
      if (now() >= deadline) connect();
    },

    _changeNetwork: changeNetwork,
  };
}
