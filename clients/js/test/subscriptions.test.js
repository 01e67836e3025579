// Channels: subscribed on every connection, from where they were.

import assert from "node:assert/strict";
import { test } from "node:test";

import { message, received, settle, World } from "./world.js";

const news = (offset) => message(offset, { channel: "news" });

function watch(subscription) {
  subscription.told = [];
  for (const type of ["message", "gap", "error", "subscribed"]) {
    subscription.addEventListener(type, ({ detail }) => subscription.told.push(detail ?? type));
  }
  return subscription;
}

test("a channel's messages go to its subscription, and the inbox's do not", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const subscription = watch(gateway.subscribe("news"));
  assert.deepEqual(world.socket.sent, [{ type: "subscribe", ref: 1, channel: "news" }]);
  world.socket.say({ type: "ok", ref: 1, position: "n:4" }, news(5), message(1));

  assert.deepEqual(subscription.told, ["subscribed", { ...news(5), position: "n:5" }]);
  assert.deepEqual(received(gateway), [1]);
  assert.equal(subscription.position, "n:5");
  assert.equal(subscription.channel, "news");
});

test("one that is asked for before the hello waits for it", async (t) => {
  const world = new World(t);
  const gateway = await world.connect();
  gateway.subscribe("news", { since: "0" });
  world.socket.greet();

  assert.deepEqual(world.socket.sent, [{ type: "subscribe", ref: 1, channel: "news", since: "0" }]);
});

test("what a hook shall be shown is said on each connection, as it was when it was asked for", async (t) => {
  const world = new World(t);
  const gateway = await world.connect();
  const data = { key: "s3cret" };
  gateway.subscribe("news", { data });
  data.key = "changed";
  for (const since of [undefined, "n:4"]) {
    world.socket.greet();
    const { data: shown, since: place } = world.socket.sent[0];
    assert.deepEqual([shown, place], [{ key: "s3cret" }, since]);
    world.socket.say({ type: "ok", ref: world.socket.sent[0].ref, position: "n:4" });
    world.socket.shut();
    await world.pass(500);
  }
});

test("what JSON can't say is refused at once, and the channel may be asked for again", async (t) => {
  const world = new World(t);
  const gateway = await world.connect();
  assert.throws(() => gateway.subscribe("news", { data: 1n }), TypeError);
  gateway.subscribe("news");
  world.socket.greet();

  assert.equal(gateway.state, "online");
});

test("after a loss it goes on from where it was, and hands out nothing twice", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const subscription = watch(gateway.subscribe("news"));
  world.socket.say({ type: "ok", ref: 1, position: "n:0" }, news(1), news(2));
  world.socket.shut();
  await world.pass(500);
  world.socket.greet();
  assert.deepEqual(world.socket.sent, [{ type: "subscribe", ref: 2, channel: "news", since: "n:2" }]);
  const gap = { type: "gap", channel: "news", from: 3, to: 4, position: "n:4" };
  world.socket.say({ type: "ok", ref: 2, position: "n:2" }, news(2), gap, news(5));

  assert.deepEqual(received(subscription), [1, 2, 5]);
  assert.deepEqual(subscription.told.at(-2), gap);
});

test("one that was not answered is asked for on the next connection, and only once", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  gateway.subscribe("news");
  world.socket.shut();
  await world.pass(500);
  world.socket.greet();

  assert.equal(world.socket.sent.length, 1);
});

test("a channel without a history is subscribed from now on, each time", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const subscription = watch(gateway.subscribe("news"));
  const { offset, ...lost } = news(0);
  world.socket.say({ type: "ok", ref: 1 }, lost, lost);
  world.socket.shut();
  await world.pass(500);
  world.socket.greet();

  assert.equal(received(subscription).length, 2);
  assert.equal(world.socket.sent[0].since, undefined);
});

test("a refusal is told, and the channel may be asked for again", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const subscription = watch(gateway.subscribe("news"));
  world.socket.say({ type: "error", ref: 1, code: 103, message: "permission denied" });
  assert.equal(subscription.told[0].code, 103);
  gateway.subscribe("news");

  assert.equal(world.socket.sent.length, 2);
});

test("where the store is away it is asked for again", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const subscription = watch(gateway.subscribe("news"));
  world.socket.say({ type: "error", ref: 1, code: 100, message: "internal server error" });
  await world.pass(1_000);
  assert.equal(world.socket.sent.length, 2);
  world.socket.say({ type: "ok", ref: 1, position: "n:0" });

  assert.deepEqual(subscription.told, ["subscribed"]);
});

test("requests that wait take no subscription's place", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const subscription = watch(gateway.subscribe("news"));
  world.socket.say({ type: "ok", ref: 1, position: "n:0" });
  world.socket.shut();
  for (let count = 0; count < 1_000; count += 1) gateway.send("8", count).catch(() => {});
  await world.next();
  world.socket.greet();
  await settle();

  assert.deepEqual(world.socket.of("subscribe").map(({ channel }) => channel), ["news"]);
  assert.deepEqual(subscription.told, ["subscribed"]);
});

test("one channel can't be subscribed twice at once", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  gateway.subscribe("news");

  assert.throws(() => gateway.subscribe("news"), { code: 105 });
});

test("after unsubscribing nothing comes, now and on the next connection", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const subscription = watch(gateway.subscribe("news"));
  world.socket.say({ type: "ok", ref: 1, position: "n:0" });
  subscription.unsubscribe();
  subscription.unsubscribe();
  assert.deepEqual(world.socket.of("unsubscribe"), [{ type: "unsubscribe", ref: 2, channel: "news" }]);
  world.socket.say(news(1), { type: "ok", ref: 2 });
  world.socket.shut();
  await world.pass(500);
  world.socket.greet();

  assert.deepEqual(received(subscription), []);
  assert.deepEqual(world.socket.sent, []);
});

test("what was on its way to an earlier subscription is not handed to the next one", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  gateway.subscribe("news").unsubscribe();
  const subscription = watch(gateway.subscribe("news"));
  world.socket.say({ type: "ok", ref: 1, position: "n:0" }, news(1), { type: "ok", ref: 2 });
  world.socket.say({ type: "ok", ref: 3, position: "n:1" }, news(2));

  assert.deepEqual(received(subscription), [2]);
});

test("one that was given up before its answer is told of nothing", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const [first, second] = ["news", "sport"].map((channel) => watch(gateway.subscribe(channel)));
  first.unsubscribe();
  second.unsubscribe();
  world.socket.say({ type: "ok", ref: 1, position: "n:0" }, { type: "error", ref: 2, code: 103, message: "permission denied" });

  assert.deepEqual([...first.told, ...second.told], []);
});

test("one that was given up is not asked for again", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const subscription = watch(gateway.subscribe("news"));
  world.socket.say({ type: "error", ref: 1, code: 100, message: "internal server error" });
  subscription.unsubscribe();
  await world.pass(1_000);

  assert.deepEqual(world.socket.sent.map(({ type }) => type), ["subscribe", "unsubscribe"]);
  assert.deepEqual(subscription.told, []);
});

test("one that was unsubscribed without a connection is not asked for, and asks for nothing", async (t) => {
  const world = new World(t);
  const gateway = await world.connect();
  gateway.subscribe("news").unsubscribe();
  world.socket.greet();

  assert.deepEqual(world.socket.sent, []);
});
