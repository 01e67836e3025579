// One connection, whichever way it is made: what is done with it, and what it tells.

import type { Frame } from "./frames.js";
import type { Request } from "./requests.js";

export interface Link {
  /** It does without a WebSocket, and so without channels. */
  readonly _isSse?: boolean;
  _request(request: Request): void;
  _ack(position: string): void;
  _pong?(): void;
  _close(): void;
}

/** Takes a frame, or its text as it came: an empty one is a sign of life. */
export type Hear = (told: string | Frame) => void;

/** Writes the URL of one of the server's paths, with the identity and these parameters. */
export type Locate = (path: string, parameters: Record<string, string | undefined>) => URL;

/** Opens a connection; throws a SyntaxError for a URL or a token that can't be one. */
export type OpenLink = (locate: Locate, since: string | undefined, token: string | undefined, hear: Hear) => Link;
