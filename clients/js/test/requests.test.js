// What is sent takes effect once: it keeps its id until it is answered.

import assert from "node:assert/strict";
import { test } from "node:test";

import { settle, World } from "./world.js";

/** Hold what came of a promise. */
function watch(promise) {
  const watched = { promise };
  promise.then((value) => (watched.value = value), (error) => (watched.error = error));
  return watched;
}

test("a send is answered with its offset", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const sent = gateway.send("8", { text: "hi" }, { id: "m1" });
  assert.deepEqual(world.socket.sent, [{ type: "send", ref: 1, to: "8", data: { text: "hi" }, id: "m1" }]);
  world.socket.say({ type: "ok", ref: 1, offset: 13 });

  assert.equal(await sent, 13);
});

test("a publication where nothing is kept is answered with 0", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const sent = gateway.publish("news", 1);
  world.socket.say({ type: "ok", ref: 1 });

  assert.equal(await sent, 0);
  assert.equal(world.socket.sent[0].channel, "news");
});

test("each request has an id of its own", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  for (let count = 0; count < 100; count += 1) watch(gateway.send("8", count));

  assert.equal(new Set(world.socket.sent.map(({ id }) => id)).size, 100);
  assert.match(world.socket.sent[0].id, /^[\d-]{4,43}$/);
});

for (const id of ["", null]) {
  test(`so has one whose id is ${JSON.stringify(id)}`, async (t) => {
    const world = new World(t);
    const gateway = await world.online();
    watch(gateway.send("8", "hi", { id }));

    assert.match(world.socket.sent[0].id, /^[\d-]{4,43}$/);
  });
}

test("what is asked before the hello waits for it, in order", async (t) => {
  const world = new World(t);
  const gateway = await world.connect();
  for (const data of ["first", "second"]) watch(gateway.send("8", data));
  assert.deepEqual(world.socket.sent, []);
  world.socket.greet();

  assert.deepEqual(world.socket.sent.map(({ data }) => data), ["first", "second"]);
});

test("what was not answered is repeated with the same id on the next connection", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const sent = gateway.send("8", "hi");
  const [{ id }] = world.socket.sent;
  world.socket.shut();
  await world.pass(500);
  world.socket.greet();
  assert.deepEqual(world.socket.sent.map((frame) => frame.id), [id]);
  world.socket.say({ type: "ok", ref: 1, offset: 1 });

  assert.equal(await sent, 1);
});

test("what was answered is not repeated", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  watch(gateway.send("8", "hi"));
  world.socket.say({ type: "ok", ref: 1, offset: 1 });
  world.socket.shut();
  await world.pass(500);
  world.socket.greet();

  assert.deepEqual(world.socket.sent, []);
});

test("what is asked between a goodbye and the Close waits for the next connection", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say({ type: "goodbye", code: 3001, reason: "shutdown", reconnect_ms: 5 });
  watch(gateway.send("8", "hi"));
  world.socket.shut(3001);
  assert.deepEqual(world.sockets[0].sent, []);
  await world.pass(5);
  world.socket.greet();

  assert.equal(world.socket.sent.length, 1);
});

test("where the outcome is unknown it is asked again, with the same id, until it is known", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const sent = gateway.send("8", "hi", { id: "m1" });
  for (let count = 1; count < 4; count += 1) {
    world.socket.say({ type: "error", ref: 1, code: 100, message: "internal server error" });
    assert.equal(world.socket.sent.length, count);
    await world.pass(1_000);
  }
  assert.deepEqual(new Set(world.socket.sent.map(({ id }) => id)), new Set(["m1"]));
  world.socket.say({ type: "ok", ref: 1, offset: 2 });

  assert.equal(await sent, 2);
});

test("a refusal is an error with the server's code and words", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const sent = gateway.publish("#8", "sneaky", { id: "m1" });
  world.socket.say({ type: "error", ref: 1, code: 103, message: "permission denied", detail: "not open to clients" });

  await assert.rejects(sent, { name: "GatewayError", code: 103, message: "not open to clients", id: "m1" });
});

test("what was first sent too long ago is not repeated: the server may have forgotten its id", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const old = watch(gateway.send("8", "old"));
  world.socket.shut();
  const waiting = watch(gateway.send("8", "never sent"));
  world.clock.sleep(270_000);
  await world.pass(500);
  world.socket.greet();
  await settle();

  assert.equal(old.error.code, 100);
  assert.equal(old.error.id.length > 0, true);
  assert.deepEqual(world.socket.sent.map(({ data }) => data), ["never sent"]);
  assert.equal(waiting.error, undefined);
});

test("a request may be given up, with the reason of its signal", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const controller = new AbortController();
  const sent = gateway.send("8", "hi", { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(sent, { message: "enough" });
  world.socket.shut();
  await world.pass(500);
  world.socket.greet();

  assert.deepEqual(world.socket.sent, []);
});

test("a request whose signal is aborted already is not sent", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  await assert.rejects(gateway.send("8", "hi", { signal: AbortSignal.abort(new Error("before")) }), { message: "before" });

  assert.deepEqual(world.socket.sent, []);
});

test("a signal that lives on is left alone after the answer", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const heard = new Set();
  const signal = {
    throwIfAborted: () => {},
    addEventListener: (_type, listener) => heard.add(listener),
    removeEventListener: (_type, listener) => heard.delete(listener),
  };
  const sent = gateway.send("8", "hi", { signal });
  assert.equal(heard.size, 1);
  world.socket.say({ type: "ok", ref: 1, offset: 1 });
  await sent;

  assert.equal(heard.size, 0);
});

test("no more than 1,000 requests wait", async (t) => {
  const world = new World(t);
  const gateway = await world.connect();
  const waiting = Array.from({ length: 1_000 }, (_, number) => watch(gateway.send("8", number)));
  await assert.rejects(gateway.send("8", "one more"), { code: 106 });
  world.socket.greet();

  assert.equal(world.socket.sent.length, 1_000);
  assert.equal(waiting.filter(({ error }) => error).length, 0);
});

test("what JSON can't say is refused at once, and what is changed later was said before", async (t) => {
  const world = new World(t);
  const gateway = await world.connect();
  await assert.rejects(gateway.send("8", 1n), TypeError);
  const data = { text: "as it was" };
  watch(gateway.send("8", data));
  data.text = "changed";
  world.socket.greet();

  assert.deepEqual(world.socket.sent.map((frame) => frame.data), [{ text: "as it was" }]);
});

test("a frame that the server finds too big is not sent again, and the others are", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const [small, large] = ["x", "x".repeat(100_000)].map((data) => watch(gateway.send("8", data)));
  world.socket.shut(1009, "message too big");
  await world.pass(500);
  world.socket.greet();

  assert.equal(large.error.code, 107);
  assert.deepEqual(world.socket.sent.map(({ data }) => data), ["x"]);
  assert.equal(small.error, undefined);
});

test("a Close for a frame too big that was none of ours is for good: it would come again", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.shut(1009, "message too big");

  assert.equal(gateway.state, "closed");
});

test("what is not answered when it ends for good is rejected, and so is what is asked later", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const sent = gateway.send("8", "hi", { id: "m1" });
  world.socket.shut(3503, "force disconnect");
  await assert.rejects(sent, { code: 3503, message: "force disconnect", id: "m1" });
  await assert.rejects(gateway.publish("news", 1), { code: 3503 });

  assert.throws(() => gateway.subscribe("news"), { code: 3503 });
});

test("an answer that nobody waits for is passed by", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say({ type: "ok", ref: 99 }, { type: "error", ref: 98, code: 100, message: "internal server error" });

  assert.deepEqual(gateway.told.map(({ state }) => state), ["online"]);
});
