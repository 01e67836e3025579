// The plain protocol's frames as they come (docs/protocol.md, frames from the server), and how ours are written.

/** Write a frame. */
export const encode: (frame: object) => string = JSON.stringify;

export interface Hello {
  type: "hello";
  user: string;
  /** Seconds between pings; 0: none. */
  ping: number;
  position: string;
  /** What a hook says. */
  data?: unknown;
}

export interface MessageFrame {
  type: "message";
  channel: string;
  offset?: number;
  data: unknown;
  time: number;
  id?: string;
  from?: string;
}

export interface GapFrame {
  type: "gap";
  channel: string;
  from?: number;
  to?: number;
  position: string;
}

export interface Ok {
  type: "ok";
  ref: number;
  offset?: number;
  position?: string;
}

export interface ErrorFrame {
  type: "error";
  ref?: number;
  code: number;
  message: string;
  detail?: string;
}

export interface Goodbye {
  type: "goodbye";
  code: number;
  reason: string;
  reconnect_ms?: number;
}

export interface Ping {
  type: "ping";
}

/** The end of a link, which it tells as it tells frames. */
export interface Lost {
  type: "lost";
  /** The code of the Close, or the error code of a refusal. */
  code: number;
  reason: string;
  /** The HTTP status of a refusal that another attempt would meet again. */
  _refused: number | false;
}

export type Frame = Hello | MessageFrame | GapFrame | Ok | ErrorFrame | Goodbye | Ping | Lost;

/** What to do with frames, by their type; one that is not known is passed by. */
export type Takers<Types extends Frame["type"] = Frame["type"]> = {
  [Type in Types]: (frame: Frame & { type: Type }) => void;
};
