/** The ways to the gateway: a WebSocket or, where the network lets none through, a stream with requests beside it. */

const { Centrifuge } = globalThis;
const MAX_RECONNECT_MS = 5000;

/** Makes a client of the gateway at this origin; the SDK tries the transports in turn, and stays with one that worked. */
export function makeClient(gateway, options) {
  const transports = [
    { transport: "websocket", endpoint: `${gateway.replace(/^http/, "ws")}/connection/websocket` },
    { transport: "http_stream", endpoint: `${gateway}/connection/http_stream` },
    { transport: "sse", endpoint: `${gateway}/connection/sse` },
  ];
  return new Centrifuge(transports, { ...options, emulationEndpoint: `${gateway}/emulation`, maxReconnectDelay: MAX_RECONNECT_MS });
}
