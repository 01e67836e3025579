// A lost connection is made again: when, and when not.

import assert from "node:assert/strict";
import { test } from "node:test";

import { message, received, settle, states, World } from "./world.js";

test("the delays double up to 20 seconds, and each is a random share of its bound", async (t) => {
  const world = new World(t);
  world.share = 1;
  await world.connect();
  const delays = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const before = world.clock.now;
    if (world.exchanges.length < world.sockets.length) world.socket.shut();
    else world.exchange.fail();
    await settle();
    await world.next();
    delays.push(world.clock.now - before);
  }

  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
});

test("without any share it comes back at once", async (t) => {
  const world = new World(t);
  world.share = 0;
  await world.online();
  world.socket.shut();
  await world.pass(0);

  assert.equal(world.sockets.length, 2);
});

test("a connection that lived for 5 seconds begins with the first delay again, another does not", async (t) => {
  const world = new World(t);
  world.share = 1;
  await world.online();
  world.socket.shut();
  await world.pass(500);
  world.socket.greet();
  await world.pass(4_000);
  world.socket.shut();
  await world.pass(999);
  assert.equal(world.sockets.length, 2);
  await world.pass(1);
  assert.equal(world.sockets.length, 3);
  world.socket.greet();
  await world.pass(5_000);
  world.socket.shut();
  await world.pass(500);

  assert.equal(world.sockets.length, 4);
});

test("after a goodbye it comes back when the server said, neither earlier nor later", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say({ type: "goodbye", code: 3001, reason: "shutdown", reconnect_ms: 7_000 });
  world.socket.shut(3001, "shutdown");
  await world.pass(6_999);
  assert.equal(world.sockets.length, 1);
  await world.pass(1);

  assert.equal(world.sockets.length, 2);
  assert.deepEqual(gateway.told.at(-1), { state: "connecting", code: 3001, reason: "shutdown" });
});

test("what comes between the goodbye and the Close is still received", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say({ type: "goodbye", code: 3001, reason: "shutdown", reconnect_ms: 0 }, message(1));

  assert.deepEqual(received(gateway), [1]);
});

test("a server that says goodbye and does not close is left after 10 seconds", async (t) => {
  const world = new World(t);
  await world.online();
  world.socket.say({ type: "goodbye", code: 3001, reason: "shutdown", reconnect_ms: 5 });
  await world.pass(10_005);

  assert.equal(world.sockets.length, 2);
  assert.equal(world.sockets[0].state, "closed by the client");
});

test("after a goodbye without a time it is closed for good", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.say({ type: "goodbye", code: 3503, reason: "force disconnect" });
  world.socket.shut(3503, "force disconnect");
  await world.pass(60_000);

  assert.deepEqual(gateway.told.at(-1), { state: "closed", code: 3503, reason: "force disconnect" });
  assert.equal(gateway.state, "closed");
  assert.equal(world.sockets.length, 1);
});

for (const [code, end] of [[3499, "connecting"], [3500, "closed"], [3999, "closed"], [4000, "connecting"], [4499, "connecting"], [4500, "closed"], [4999, "closed"], [1000, "connecting"], [1001, "connecting"]]) {
  test(`after a Close with ${code} it is ${end}`, async (t) => {
    const world = new World(t);
    const gateway = await world.online();
    world.socket.shut(code, "why");

    assert.deepEqual(gateway.told.at(-1), { state: end, code, reason: "why" });
  });
}

test("a connection on which nothing comes for a ping and 10 seconds is left", async (t) => {
  const world = new World(t);
  await world.online({}, { ping: 25 });
  await world.pass(30_000);
  world.socket.say({ type: "ping" });
  await world.pass(34_999);
  assert.equal(world.socket.state, "open");
  await world.pass(1);
  assert.equal(world.socket.state, "closed by the client");
  await world.pass(500);

  assert.equal(world.sockets.length, 2);
});

test("an opening that failed is lost, whether a Close is told of or not", async (t) => {
  const world = new World(t);
  const gateway = await world.connect();
  world.socket.onerror(new Event("error"));
  world.socket.shut();

  assert.deepEqual(gateway.told, [{ state: "connecting", code: 1006, reason: "" }]);
});

test("a ping is answered", async (t) => {
  const world = new World(t);
  await world.online();
  world.socket.say({ type: "ping" });

  assert.deepEqual(world.socket.sent, [{ type: "pong" }]);
});

test("a server that takes the connection and does not greet is left after 10 seconds", async (t) => {
  const world = new World(t);
  const gateway = await world.connect();
  await world.pass(10_000);

  assert.deepEqual(gateway.told, [{ state: "connecting", code: 1006, reason: "silence" }]);
});

test("what an earlier connection still says is not heard", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  const [first] = world.sockets;
  await world.pass(35_500);
  world.socket.greet();
  first.say(message(1));
  first.shut(3500);

  assert.deepEqual(received(gateway), []);
  assert.equal(gateway.state, "online");
});

test("what a hook says in the hello comes with the state, and with no other", async (t) => {
  const world = new World(t);
  const gateway = await world.online({}, { data: { welcome: "7" } });
  world.socket.shut();
  await world.pass(500);
  world.socket.greet();

  const told = gateway.told.map(({ state, data }) => [state, data]);
  assert.deepEqual(told, [["online", { welcome: "7" }], ["connecting", undefined], ["online", undefined]]);
});

test("a token function is asked before each attempt", async (t) => {
  const world = new World(t);
  let count = 0;
  await world.online({ token: async () => `token-${(count += 1)}` });
  world.socket.shut();
  await world.pass(500);

  assert.deepEqual(world.sockets.map(({ protocols }) => protocols[1]), ["token-1", "token-2"]);
});

test("a token function that fails is an attempt that failed", async (t) => {
  const world = new World(t);
  let fails = true;
  const gateway = await world.connect({ token: () => { if (fails) throw new Error("no network"); return "a.b.c"; } });
  assert.deepEqual(gateway.told, [{ state: "connecting", code: 1006, reason: "Error: no network" }]);
  fails = false;
  await world.pass(500);

  assert.deepEqual(world.socket.protocols, ["trio-gateway", "a.b.c"]);
});

test("a token function that does not answer has 10 seconds", async (t) => {
  const world = new World(t);
  let asked = 0;
  await world.connect({ token: () => { asked += 1; return new Promise(() => {}); } });
  await world.pass(10_500);

  assert.equal(asked, 2);
});

test("a client that is closed leaves no socket, no timer and no listener, and comes back never", async (t) => {
  const world = new World(t, { page: true });
  const gateway = await world.online({ device: "phone" });
  world.socket.say(message(1));
  gateway.send("8", "unanswered").catch(() => {});
  world.socket.say({ type: "error", ref: 1, code: 100, message: "internal server error" });
  gateway.close();

  assert.deepEqual(world.leftovers, { timers: 0, listeners: 0, sockets: 0 });
  assert.deepEqual(gateway.told.at(-1), { state: "closed", code: 1000, reason: "closed" });
});

test("a client may be closed at any time, and more than once", async (t) => {
  for (const hurry of [true, false]) {
    const world = new World(t, { page: true });
    const connecting = world.connect({ token: async () => "a.b.c" });
    const gateway = await connecting;
    if (!hurry) world.socket.shut();
    gateway.close();
    gateway.close();
    await world.pass(60_000);

    assert.deepEqual(world.leftovers, { timers: 0, listeners: 0, sockets: 0 });
    assert.deepEqual(states(gateway).at(-1), "closed 1000");
  }
});

test("a client that is closed at once asks for no token", async (t) => {
  const world = new World(t);
  let asked = 0;
  const connecting = world.connect({ token: () => (asked += 1) });
  world.gateway.close();
  await connecting;

  assert.equal(asked, 0);
});

test("a client that is closed while its token is fetched does not connect", async (t) => {
  const world = new World(t);
  let give;
  const gateway = await world.connect({ token: () => new Promise((given) => (give = given)) });
  gateway.close();
  give("a.b.c");
  await settle();

  assert.equal(world.sockets.length, 0);
});
