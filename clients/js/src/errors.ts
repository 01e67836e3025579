// What goes wrong, by the server's codes (docs/protocol.md: error codes, closing codes).

import type { GatewayError } from "./api.js";
import type { Lost } from "./frames.js";

export const OUTCOME_UNKNOWN = 100;
export const UNAUTHORIZED = 101;
export const ALREADY_SUBSCRIBED = 105;
export const LIMIT_EXCEEDED = 106;
export const BAD_REQUEST = 107;
export const NOT_AVAILABLE = 108;

export const NORMAL = 1000;
export const LOST = 1006;
export const MESSAGE_TOO_BIG = 1009;

export const makeError = (code: number, message: string, id?: string): GatewayError =>
  Object.assign(Error(message), { name: "GatewayError", code, id }) as GatewayError;

/** Tell whether a Close says not to come back, as those of 3500 to 3999 and 4500 to 4999 do. */
export const isTerminal = (code: number): boolean => code >= 3_500 && code % 1_000 >= 500;

/** Make the end of a link. */
export const lost = (reason: unknown = "", code: number = LOST, _refused: Lost["_refused"] = false): Lost => ({
  type: "lost",
  reason: `${reason}`,
  code,
  _refused,
});
