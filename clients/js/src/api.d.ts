// What the module promises, and nothing of how it does that: built, this file is client.d.ts, and client.ts is held to it.

export {};

/**
 * Open a user's inbox on a gateway and keep it open: lost connections are made again, until `close`.
 *
 * `url` is that of the WebSocket, such as `wss://gateway.example/ws`; a page may leave out its own origin. Throws a
 * TypeError for what is no URL.
 */
export declare function connect(url: string | URL, options?: Options): Gateway;

export interface Options {
  /** A JWT whose `sub` is the user; or what fetches one, called before each attempt to connect. */
  token?: string | (() => string | Promise<string>) | undefined;
  /** The user, where the server believes what it is told (`--insecure`). */
  user?: string | undefined;
  /** Which of the user's devices this is: the server keeps its cursor in the inbox. */
  device?: string | undefined;
  /** The position to start after, `0` for everything kept. Wins over the device's cursor. */
  since?: string | undefined;
  /** Acknowledge each message once its listeners have returned, also if one of them threw. Default: true. */
  autoAck?: boolean | undefined;
}

/** What the server refused, or that nobody knows the outcome (code 100). */
export interface GatewayError extends Error {
  readonly name: "GatewayError";
  /** The server's error code; or the code of the Close that ended the connection for good. */
  readonly code: number;
  /** The id of the publication; after code 100, repeat it with this id, and it takes effect once. */
  readonly id?: string;
}

/**
 * `connecting`: there is no connection, and one is or soon will be tried. `online`: the server has greeted.
 * `offline`: the browser has no network, and waits for it. `closed`: for good.
 */
export type State = "connecting" | "online" | "offline" | "closed";

export interface ReceivedMessage {
  readonly type: "message";
  readonly channel: string;
  /** Absent where the channel keeps no history. */
  readonly offset?: number;
  readonly data: any;
  /** Unix milliseconds of publishing. */
  readonly time: number;
  /** The publisher's own, where it gave one. */
  readonly id?: string;
  /** The user who sent it; absent where a back end did. */
  readonly from?: string;
  /** The place after this message; empty where the channel keeps no history. */
  readonly position: string;
}

/** Messages existed and can no longer be had: fetch the state elsewhere. */
export interface ReceivedGap {
  readonly type: "gap";
  readonly channel: string;
  /** The missing offsets, both included; absent where nobody knows what is missing. */
  readonly from?: number;
  readonly to?: number;
  /** The place after the gap. */
  readonly position: string;
}

export interface StateChange {
  readonly state: State;
  /** The code of the Close that ended the last connection, or of the error that refused it; 1006 for a loss. */
  readonly code?: number;
  readonly reason?: string;
  /** What a hook says to who is `online` now. */
  readonly data?: any;
}

interface ChannelEvents {
  message: CustomEvent<ReceivedMessage>;
  gap: CustomEvent<ReceivedGap>;
  error: CustomEvent<GatewayError>;
}

interface GatewayEvents extends ChannelEvents {
  state: CustomEvent<StateChange>;
}

interface SubscriptionEvents extends ChannelEvents {
  subscribed: CustomEvent<null>;
}

/** An EventTarget; what happened is each event's `detail`. */
interface Source<Events> extends EventTarget {
  addEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: (event: Events[Type]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: (event: Events[Type]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

export interface Asking {
  /** Makes a repetition harmless for 5 minutes; one is made up if none is given. */
  id?: string | undefined;
  /** Gives up, with the signal's reason, not knowing the outcome: `AbortSignal.timeout(5_000)`, say. */
  signal?: AbortSignal | undefined;
}

export interface Subscribing {
  /** The position to start after, `0` for everything kept. */
  since?: string | undefined;
  /** What the hook is shown that decides about it; any JSON. */
  data?: unknown;
}

/** A user's inbox: events `message`, `gap`, `state` and `error`. Made by `connect`. */
export interface Gateway extends Source<GatewayEvents> {
  readonly state: State;
  /** Up to where the inbox was taken; empty before anything is known. */
  readonly position: string;

  /**
   * Send into a user's inbox; gives the offset there once it is stored. Repeated with the same id until it is
   * answered, over any number of connections. Rejects with a GatewayError.
   */
  send(to: string, data: unknown, asking?: Asking): Promise<number>;
  /** Publish in a channel; gives its offset, 0 where nothing is kept. Repeated and rejected as `send` is. */
  publish(channel: string, data: unknown, asking?: Asking): Promise<number>;
  /**
   * Receive the messages of a channel as well, after `since` (`0`: everything kept) or from now on; lasts over
   * reconnects. Throws a GatewayError for a channel that is subscribed already.
   */
  subscribe(channel: string, options?: Subscribing): Subscription;
  /** Say that the inbox up to and including this is processed, and need not come again. */
  ack(received: Pick<ReceivedMessage, "channel" | "position">): void;
  /**
   * End it for good; acknowledges what is processed, and rejects what is not answered. Called by a listener of a
   * message, it does so once all listeners have that message.
   */
  close(): void;
}

/** A channel: events `subscribed` (on each connection), `message`, `gap`, and `error` where the server refused it. */
export interface Subscription extends Source<SubscriptionEvents> {
  readonly channel: string;
  /** Up to where the channel was taken; empty before anything is known, and where it keeps no history. */
  readonly position: string;
  unsubscribe(): void;
}
