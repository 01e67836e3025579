// What is processed is told to the server: a few times a second, once more after a loss, at the last moment of a page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { message, received, World } from "./world.js";

const acks = ({ socket }) => socket.of("ack").map(({ offset, epoch }) => `${epoch}:${offset}`);

test("a device acknowledges what its listeners got, at most five times a second", async (t) => {
  const world = new World(t);
  await world.online({ device: "phone" });
  world.socket.say(message(1), message(2));
  await world.pass(199);
  world.socket.say(message(3));
  assert.deepEqual(acks(world), []);
  await world.pass(1);
  assert.deepEqual(acks(world), ["e:3"]);
  world.socket.say(message(4));
  await world.pass(200);

  assert.deepEqual(acks(world), ["e:3", "e:4"]);
});

test("without a device nothing is acknowledged", async (t) => {
  const world = new World(t);
  const gateway = await world.online({});
  world.socket.say(message(1));
  gateway.ack(gateway.told.at(-1));
  await world.pass(1_000);

  assert.deepEqual(world.socket.sent, []);
});

test("with autoAck off it is left to the application, and never goes back", async (t) => {
  const world = new World(t);
  const gateway = await world.online({ device: "phone", autoAck: false });
  world.socket.say(message(1), message(2), message(3));
  await world.pass(200);
  assert.deepEqual(acks(world), []);
  const [, first, second] = gateway.told;
  gateway.ack(second);
  gateway.ack(first);
  await world.pass(200);

  assert.deepEqual(acks(world), ["e:2"]);
});

test("a gap is acknowledged as well, and an old epoch's messages are not after it", async (t) => {
  const world = new World(t);
  const gateway = await world.online({ device: "phone", autoAck: false });
  world.socket.say(message(5), { type: "gap", channel: "#7", position: "new:2" });
  const [, old, gap] = gateway.told;
  gateway.ack(gap);
  gateway.ack(old);
  await world.pass(200);

  assert.deepEqual(acks(world), ["new:2"]);
});

test("messages of other channels are not acknowledged", async (t) => {
  const world = new World(t);
  const gateway = await world.online({ device: "phone" });
  gateway.ack({ channel: "news", position: "e:9" });
  await world.pass(200);

  assert.deepEqual(acks(world), []);
});

test("what was acknowledged is told again after a loss, as it may have got lost", async (t) => {
  const world = new World(t);
  await world.online({ device: "phone" });
  world.socket.say(message(1));
  await world.pass(200);
  world.socket.shut();
  await world.pass(500);
  world.socket.greet({ position: "e:1" });

  assert.deepEqual(acks(world), ["e:1"]);
});

test("what is acknowledged between two connections is told on the next one", async (t) => {
  const world = new World(t);
  const gateway = await world.online({ device: "phone", autoAck: false });
  world.socket.say(message(1));
  world.socket.shut();
  gateway.ack(gateway.told[1]);
  await world.pass(500);
  world.socket.greet({ position: "e:1" });

  assert.deepEqual(acks(world), ["e:1"]);
});

test("closing says it at once", async (t) => {
  const world = new World(t);
  const gateway = await world.online({ device: "phone" });
  world.socket.say(message(1));
  gateway.close();

  assert.deepEqual(acks(world), ["e:1"]);
  assert.equal(world.socket.state, "closed by the client");
});

test("one whose listener closes is acknowledged when all its listeners have it, and leaves no timer", async (t) => {
  const world = new World(t);
  const gateway = await world.online({ device: "phone" });
  const heard = [];
  gateway.addEventListener("message", () => gateway.close());
  gateway.addEventListener("message", () => heard.push(...acks(world)));
  world.socket.say(message(1), message(2));

  assert.deepEqual(heard, []);
  assert.deepEqual(acks(world), ["e:1"]);
  assert.deepEqual(received(gateway), [1]);
  assert.equal(gateway.state, "closed");
  assert.deepEqual(world.leftovers, { timers: 0, listeners: 0, sockets: 0 });
});

for (const [type, page] of [["visibilitychange", { hidden: true }], ["pagehide", {}], ["freeze", {}]]) {
  test(`so does a page at ${type}`, async (t) => {
    const world = new World(t, { page: true });
    await world.online({ device: "phone" });
    world.socket.say(message(1));
    await world.happens(type, page);

    assert.deepEqual(acks(world), ["e:1"]);
  });
}
