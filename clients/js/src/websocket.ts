// A link over a WebSocket.

import { lost } from "./errors.js";
import type { OpenLink } from "./link.js";
import { epochOf, offsetOf } from "./position.js";

export const openWebSocket: OpenLink = (locate, since, token, hear) => {
  // JSON pings, because a page can't see WebSocket pings.
  const socket = new WebSocket(locate("ws", { since, ping: "json" }), token ? ["trio-gateway", token] : []);
  socket.onmessage = ({ data }) => hear(data);
  // After an error nothing comes but the Close, which Node 20 leaves out where the opening failed.
  socket.onerror = socket.onclose = (event: Event) => {
    const { code, reason } = event as CloseEvent;
    hear(lost(reason, code));
  };
  const send = (type: string, fields: object) => socket.send(JSON.stringify({ type, ...fields }));
  return {
    _request: ({ _type, _ref, _fields }) => send(_type, { ref: _ref, ..._fields }),
    _ack: (position) => send("ack", { offset: offsetOf(position), epoch: epochOf(position) }),
    _pong: () => send("pong", {}),
    _close: () => socket.close(),
  };
};
