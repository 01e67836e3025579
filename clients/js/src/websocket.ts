// A link over a WebSocket.

import { now } from "./clock.js";
import { lost } from "./errors.js";
import { encode } from "./frames.js";
import type { OpenLink } from "./link.js";
import { epochOf, offsetOf } from "./position.js";

export const openWebSocket: OpenLink = (locate, since, token, hear) => {
  // JSON pings, because a page can't see WebSocket pings.
  const socket = new WebSocket(locate("ws", { since, ping: "json" }), token ? ["trio-gateway", token] : []);
  socket.onmessage = ({ data }) => hear(data);
  // After an error nothing comes but the Close, which Node 20 leaves out where the opening failed.
  socket.onerror = socket.onclose = ({ code, reason }: Partial<CloseEvent>) => hear(lost(reason, code));
  const send = (type: string, fields: object) => socket.send(encode({ type, ...fields }));
  return {
    _request(request) {
      request._since ||= now();
      send(request._type, { ref: request._ref, ...request._fields });
    },
    _ack: (position) => send("ack", { offset: offsetOf(position), epoch: epochOf(position) }),
    _pong: () => send("pong", {}),
    _close: () => socket.close(),
  };
};
