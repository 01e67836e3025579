// Publish notifications until each was answered: with its own id, one may be published any number of times.

import { setTimeout as sleep } from "node:timers/promises";

import { createClient, ErrorReply } from "redis";

import { End, FAILED } from "./end.js";
import { say } from "./progress.js";

const [FIRST_WAIT, LONGEST_WAIT] = [500, 10_000]; // ms
const [CONNECT_MS, ANSWER_MS] = [2_000, 5_000];

// A connection that is made when it is needed, and is not repaired: the job itself decides what is sent again.
export class Store {
  constructor(url) {
    const { protocol, pathname } = new URL(url);
    const bounds = { reconnectStrategy: false, connectTimeout: CONNECT_MS, socketTimeout: ANSWER_MS };
    const isUnix = protocol === "unix:"; // which this client has no URLs for
    this.options = isUnix ? { socket: { ...bounds, path: decodeURIComponent(pathname) } } : { url, socket: bounds };
    createClient(this.options); // complains about what is no URL of Redis
  }

  // Publish all, in one write; gives what happened to each, in order.
  async publishAll(notifications) {
    try {
      if (!this.client?.isReady) {
        this.client = createClient(this.options).on("error", () => {}); // each call tells its own
        await this.client.connect();
      }
    } catch (error) {
      return notifications.map(() => ({ status: "rejected", reason: error }));
    }
    return Promise.allSettled(notifications.map((each) => publish(this.client, each)));
  }

  close() {
    this.client?.destroy();
  }
}

// Publish one into its user's inbox, with its own id.
function publish(client, { id, user, title, body }) {
  const inbox = `#${user}`.replace(/[%{}]/g, (sign) => encodeURIComponent(sign)); // %25, %7B, %7D
  return client.fCall("tg1_publish", {
    keys: [`tg:{${inbox}}:m`, `tg:{${inbox}}:s`, `tg:{${inbox}}:i:0::${id}`],
    arguments: [JSON.stringify({ title, body }), "", id],
  });
}

// Tell whether an error is about this notification alone: it will never be published.
function isRefused(error) {
  if (!(error instanceof ErrorReply)) return false; // nobody knows whether it was published
  if (/Function not found|^TGPREFIX/.test(error.message)) {
    throw new End(FAILED, "no gateway has been connected to this store yet: start one, then run this again");
  }
  return error.message.startsWith("TG"); // anything else is the store's own trouble
}

// Publish a batch once; gives those that nobody answered, and why.
async function attempt(store, batch, done, progress) {
  const published = [];
  const unanswered = [];
  let reason;
  for (const [index, { status, reason: error }] of (await store.publishAll(batch)).entries()) {
    if (status === "fulfilled") {
      published.push(batch[index]);
    } else if (isRefused(error)) {
      progress.refuse(batch[index].id, error.message);
    } else {
      unanswered.push(batch[index]);
      reason = error.message || error.code;
    }
  }
  done.add(published);
  progress.add(published.length);
  return [unanswered, reason];
}

// Publish a batch until each was answered; throws after `patience` seconds without.
export async function publishBatch(store, batch, done, progress, patience) {
  const deadline = Date.now() + patience * 1_000;
  for (let wait = FIRST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    const [unanswered, reason] = await attempt(store, batch, done, progress);
    if (!unanswered.length) return;
    if (Date.now() >= deadline) throw new End(FAILED, `gave up after ${patience} s: ${reason}`);
    say(`trying again: ${reason}`);
    await sleep(Math.random() * wait);
    batch = unanswered;
  }
}
