// The JavaScript SDK behind a Unix socket: each link to it is one client, which is told what to do, and tells what happens.
//
// Run as `node driver.js SOCKET [TRANSPORT]`. ../driving.py has the other end, and says what goes over it;
// ../python_driver.py does the same with the SDK for Python. With a TRANSPORT, http_stream or sse, the WebSocket that is
// tried first meets a path where there is none, as behind a proxy that lets none through.

import { createServer } from "node:net";
import { createInterface } from "node:readline";

import { Centrifuge, UnauthorizedError } from "centrifuge";
import { EventSource } from "eventsource";
import WebSocket from "ws";

const TRANSPORT = process.argv[3];

// Milliseconds; the SDK's own would make tests wait.
const DELAYS = { minReconnectDelay: 50, maxReconnectDelay: 500 };
const AGAIN = { minResubscribeDelay: 50, maxResubscribeDelay: 500 };

const CLIENT = ["connecting", "connected", "disconnected", "error", "subscribing", "subscribed", "unsubscribed"];
const CHANNEL = ["subscribing", "subscribed", "unsubscribed", "publication", "join", "leave", "error"];

function converse(link) {
  const say = (words) => link.writable && link.write(`${JSON.stringify(words)}\n`);
  let client = null;

  // Gives the tokens one after the other; null never comes, and when all were given the SDK may have none.
  const giving = (channel, tokens) => {
    const left = [...tokens];
    return async () => {
      const token = left.length > 0 ? left.shift() : "";
      say({ event: "token", channel });
      if (token === null) await new Promise(() => {});
      if (!token) throw new UnauthorizedError("no token");
      return token;
    };
  };

  // Gives the positions of what an application has read by itself, one after the other.
  const reading = (channel, states) => {
    const left = [...states];
    return async () => {
      say({ event: "state", channel });
      return left.shift();
    };
  };

  const tell = (source, names, channel) => {
    for (const event of names) source.on(event, (context) => say({ event, channel, ...plain(context) }));
  };

  const calls = {
    connect({ url, emulation, tokens, data }) {
      if (client === null) {
        const getToken = tokens.length > 0 ? giving("", tokens) : null;
        const emulationEndpoint = http(emulation ?? url, "/emulation");
        const options = { websocket: WebSocket, eventsource: EventSource, emulationEndpoint };
        client = new Centrifuge(transports(url), { ...options, getToken, data, ...DELAYS });
        tell(client, [...CLIENT, "publication", "join", "leave", "message"], "");
      }
      client.connect();
    },
    disconnect: () => client.disconnect(),
    // Begins and ends a subscription, or the whole connection, so many times without waiting for anything.
    hurry({ times, channel }) {
      const subscription = channel && client.getSubscription(channel);
      for (let time = 0; time < times; time += 1) {
        if (subscription) subscription.subscribe();
        else client.connect();
        if (subscription) subscription.unsubscribe();
        else client.disconnect();
      }
    },
    subscribe({ channel, tokens, states, filter, join_leave: joinLeave, ...more }) {
      let subscription = client.getSubscription(channel);
      if (subscription === null) {
        const getToken = tokens.length > 0 ? giving(channel, tokens) : null;
        const getState = states.length > 0 ? reading(channel, states) : null;
        const wishes = { getToken, getState, joinLeave, tagsFilter: filter, ...more };
        subscription = client.newSubscription(channel, { ...wishes, ...AGAIN });
        tell(subscription, CHANNEL, channel);
      }
      subscription.subscribe();
    },
    // Applies publications that get deltas to each other as a subscription does; gives the JSON of each one's data.
    decode({ publications }) {
      const codec = new Centrifuge("ws://nowhere", { websocket: WebSocket })._codec;
      let base;
      return publications.map((publication) => {
        const { newData, newPrevValue } = codec.applyDeltaIfNeeded(publication, base);
        base = newPrevValue;
        return JSON.stringify(newData);
      });
    },
    unsubscribe: ({ channel }) => client.getSubscription(channel).unsubscribe(),
    publish: async ({ channel, data }) => void (await client.publish(channel, data)),
    history: ({ channel, limit, since, reverse }) => client.history(channel, { limit, since, reverse }),
    presence: async ({ channel }) => (await client.presence(channel)).clients,
    presence_stats: ({ channel }) => client.presenceStats(channel),
    rpc: async ({ method, data }) => (await client.rpc(method, data)).data,
  };

  const lines = createInterface({ input: link });
  lines.on("line", async (line) => {
    const { number, do: name, ...asked } = JSON.parse(line);
    try {
      say({ number, result: plain(await calls[name](asked)) ?? null });
    } catch (error) {
      say({ number, error: { code: error.code ?? 0, message: String(error.message) } });
    }
  });
  for (const each of [link, lines]) each.on("error", () => {}); // it ends anyway
  link.on("close", () => client?.disconnect());
}

const http = (url, path) => url.replace(/^ws/, "http").replace(/\/connection\/.*/, path);

// Gives what the SDK tries, one after the other.
function transports(url) {
  if (!TRANSPORT) return url;
  const refused = { transport: "websocket", endpoint: url.replace("websocket", "no_websocket") };
  return [refused, { transport: TRANSPORT, endpoint: http(url, `/connection/${TRANSPORT}`) }];
}

// Names fields as the SDK for Python does; what is inside of data is left alone.
function plain(value, name = "") {
  if (["data", "conn_info", "chan_info", "tags"].includes(name) || value === null || typeof value !== "object") {
    return value;
  }
  if (value instanceof Map) value = Object.fromEntries(value);
  if (Array.isArray(value)) return value.map((each) => plain(each));
  const named = Object.entries(value).map(([key, each]) => [snake(key), each]);
  return Object.fromEntries(named.map(([key, each]) => [key, plain(each, key)]));
}

function snake(name) {
  return /^[a-z]+([A-Z][a-z]+)+$/.test(name) ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;
}

createServer(converse).listen(process.argv[2]);
