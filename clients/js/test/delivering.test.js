// What comes is handed out: in order, once, over all connections.

import assert from "node:assert/strict";
import { test } from "node:test";

import { message, received, states, World } from "./world.js";

test("a message is told with all that the server says of it, and with its position", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say(message(3, { data: { text: "hi" }, id: "m1", from: "8" }));

  assert.deepEqual(gateway.told.at(-1), {
    type: "message", channel: "#7", offset: 3, data: { text: "hi" }, time: 1, id: "m1", from: "8", position: "e:3",
  });
  assert.equal(gateway.position, "e:3");
});

test("it asks for the inbox in the way that it was told, and for pings that it can see", async (t) => {
  const world = new World(t);
  await world.connect({ token: "a.b.c", device: "phone", since: "0" }, "https://gateway.example/here/ws?region=eu");

  assert.equal(world.socket.url.href, "wss://gateway.example/here/ws?region=eu&device=phone&since=0&ping=json");
  assert.deepEqual(world.socket.protocols, ["trio-gateway", "a.b.c"]);
});

test("a user goes into the query", async (t) => {
  const world = new World(t);
  await world.connect({ user: "7" }, "ws://gateway.example");

  assert.equal(world.socket.url.href, "ws://gateway.example/ws?user=7&ping=json");
  assert.deepEqual(world.socket.protocols, []);
});

test("what came before is dropped when it comes again on the next connection", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say(message(1), message(2));
  world.socket.shut();
  await world.pass(500);
  assert.equal(world.socket.url.searchParams.get("since"), "e:2");
  world.socket.greet({ position: "e:1" });
  world.socket.say(message(2), message(3));

  assert.deepEqual(received(gateway), [1, 2, 3]);
});

test("a jump of the offset is no loss", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say(message(1), message(4096));

  assert.deepEqual(received(gateway), [1, 4096]);
});

test("a gap is told with its bounds, once, and delivery goes on after it", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const gap = { type: "gap", channel: "#7", from: 1, to: 9, position: "e:9" };
  world.socket.say(gap, gap, message(9), message(10));

  assert.deepEqual(gateway.told.slice(1), [gap, { ...message(10), position: "e:10" }]);
});

test("after a gap into another epoch its offsets count, however small", async (t) => {
  const world = new World(t);
  const gateway = await world.online({ since: "old:40" }, { position: "old:40" });
  world.socket.say({ type: "gap", channel: "#7", position: "new:0" }, message(1));

  assert.deepEqual(received(gateway), [1]);
  assert.equal(gateway.position, "new:1");
});

test("a connection begins where its hello says, also in another epoch", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say(message(5));
  world.socket.shut();
  await world.pass(500);
  world.socket.greet({ position: "new:0" });
  world.socket.say(message(1));

  assert.equal(gateway.position, "new:1");
});

test("in an inbox without a history everything is told, and nothing is asked for again", async (t) => {
  const world = new World(t);
  const gateway = await world.online({}, { position: ":0" });
  const { offset, ...kept } = message(0, { data: "twice" });
  world.socket.say(kept, kept);
  world.socket.shut();
  await world.pass(500);

  assert.deepEqual(received(gateway), ["twice", "twice"]);
  assert.equal(gateway.told[1].position, "");
  assert.equal(world.socket.url.searchParams.has("since"), false);
});

test("frames of a type, and fields, that it does not know are passed by", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say({ type: "news" }, { type: "toString" }, message(1, { tags: { a: "b" } }));

  assert.deepEqual(gateway.told.at(-1).tags, { a: "b" });
  assert.equal(gateway.state, "online");
});

test("what is no frame ends the connection, and it comes back", async (t) => {
  for (const text of ["{", "null", '{"type":"hello"}']) {
    const world = new World(t);
    const gateway = await world.online();
    world.socket.say(text);
    await world.pass(500);

    assert.deepEqual(states(gateway), ["online", "connecting 1006"], text);
    assert.equal(world.sockets.length, 2);
  }
});

test("an error that answers nothing is told", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say({ type: "error", code: 107, message: "bad request", detail: "no JSON" });

  assert.equal(gateway.told.at(-1).code, 107);
  assert.equal(gateway.told.at(-1).message, "no JSON");
  assert.equal(gateway.told.at(-1).name, "GatewayError");
});

test("what is no URL is refused at once", async (t) => {
  const world = new World(t);

  await assert.rejects(world.connect({}, "no URL"), TypeError);
});
