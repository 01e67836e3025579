// Our own JavaScript client behind a Unix socket, as driver.js has the SDK: each link to it is one client.
//
// Run as `node --experimental-websocket plain_driver.js MODULE SOCKET`. What the client tells its application comes as
// `{"event": "message", "channel": "#7", …}`.

import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [module, socket] = process.argv.slice(2);
// A twentieth of the delays, which would make tests wait.
const { random } = Math;
Math.random = () => random() / 20;

const { connect } = await import(pathToFileURL(module));

function converse(link) {
  const say = (words) => link.writable && link.write(`${JSON.stringify(words)}\n`);
  const subscriptions = new Map();
  let gateway = null;

  const tell = (source, names, channel) => {
    for (const event of names) {
      source.addEventListener(event, ({ detail }) => say({ event, channel, ...plain(detail) }));
    }
  };

  const calls = {
    // Tokens are given one after the other, the last one for ever.
    connect({ url, tokens, ...options }) {
      const token = () => (tokens.length > 1 ? tokens.shift() : tokens[0]);
      gateway = connect(url, { token, ...options });
      tell(gateway, ["message", "gap", "state", "error"], "");
    },
    ack: (received) => gateway.ack(received),
    close: () => gateway.close(),
    send: ({ to, data, seconds, ...asking }) => gateway.send(to, data, patient(asking, seconds)),
    // Asks for all of it at once, and answers when everything is answered.
    burst: ({ to, data }) => Promise.all(data.map((each) => gateway.send(to, each))),
    publish: ({ channel, data, seconds, ...asking }) => gateway.publish(channel, data, patient(asking, seconds)),
    subscribe({ channel, ...options }) {
      subscriptions.set(channel, gateway.subscribe(channel, options));
      tell(subscriptions.get(channel), ["subscribed", "message", "gap", "error"], channel);
    },
    unsubscribe: ({ channel }) => subscriptions.get(channel).unsubscribe(),
  };

  const lines = createInterface({ input: link });
  lines.on("line", async (line) => {
    const { number, do: name, ...asked } = JSON.parse(line);
    try {
      say({ number, result: (await calls[name](asked)) ?? null });
    } catch (error) {
      say({ number, error: { code: error.code ?? 0, message: String(error.message) } });
    }
  });
  for (const each of [link, lines]) each.on("error", () => {}); // it ends anyway
  link.on("close", () => gateway?.close());
}

const patient = (asking, seconds) => (seconds ? { ...asking, signal: AbortSignal.timeout(seconds * 1_000) } : asking);

const plain = (detail) => (detail instanceof Error ? { code: detail.code, message: detail.message } : detail);

createServer(converse).listen(socket);
