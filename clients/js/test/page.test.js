// A page sleeps, is looked at again, and loses its network.

import assert from "node:assert/strict";
import { test } from "node:test";

import { received, message, states, World } from "./world.js";

for (const type of ["visibilitychange", "focus", "pageshow", "resume"]) {
  test(`after a sleep it connects at once at ${type}`, async (t) => {
    const world = new World(t, { page: true });
    await world.online();
    world.clock.sleep(35_000);
    await world.happens(type);

    assert.equal(world.sockets.length, 2);
    assert.equal(world.sockets[0].state, "closed by the client");
  });
}

test("one that heard of the server just now stays connected when it is looked at", async (t) => {
  const world = new World(t, { page: true });
  await world.online();
  world.clock.sleep(34_000);
  await world.happens("visibilitychange");

  assert.equal(world.sockets.length, 1);
});

test("who looks does not wait for the next attempt", async (t) => {
  const world = new World(t, { page: true });
  world.share = 1;
  await world.online();
  world.socket.shut();
  await world.happens("focus");

  assert.equal(world.sockets.length, 2);
});

test("who looks while the token is fetched does not ask for another", async (t) => {
  const world = new World(t, { page: true });
  let asked = 0;
  await world.connect({ token: () => { asked += 1; return new Promise(() => {}); } });
  await world.happens("focus");

  assert.equal(asked, 1);
});

test("but a server that wants to be left alone is", async (t) => {
  const world = new World(t, { page: true });
  await world.online();
  world.socket.say({ type: "goodbye", code: 3001, reason: "shutdown", reconnect_ms: 5_000 });
  world.socket.shut(3001);
  await world.happens("focus");
  assert.equal(world.sockets.length, 1);
  world.clock.sleep(5_000);
  await world.happens("focus");

  assert.equal(world.sockets.length, 2);
});

test("without a network it says so after one attempt, and makes no other", async (t) => {
  const world = new World(t, { page: true });
  const gateway = await world.online();
  await world.happens("offline", { onLine: false });
  world.socket.shut();
  await world.pass(600_000);

  assert.equal(world.sockets.length, 2);
  assert.deepEqual(states(gateway), ["online", "connecting", "offline 1006"]);
});

test("when the network comes it connects at once, by a WebSocket, with the first delay before it", async (t) => {
  const world = new World(t, { page: true });
  world.share = 1;
  await world.online();
  await world.happens("offline", { onLine: false });
  world.socket.shut();
  await world.happens("online", { onLine: true });
  world.socket.greet();

  assert.equal(world.sockets.length, 3);
});

test("one that is closed by who hears that it connects stays closed", async (t) => {
  const world = new World(t, { page: true });
  const gateway = await world.online();
  await world.happens("offline", { onLine: false });
  world.socket.shut();
  gateway.addEventListener("state", () => gateway.close());
  await world.happens("online", { onLine: true });
  await world.pass(60_000);

  assert.equal(gateway.state, "closed");
  assert.deepEqual(world.leftovers, { timers: 0, listeners: 0, sockets: 0 });
});

test("a network of this machine alone does while there is no other", async (t) => {
  const world = new World(t, { page: true });
  const gateway = await world.online();
  await world.happens("offline", { onLine: false });
  world.socket.greet();

  assert.equal(gateway.state, "online");
});

for (const [away, back] of [["pagehide", "pageshow"], ["freeze", "resume"]]) {
  test(`a page at ${away} lets go of the connection, and goes on at ${back}`, async (t) => {
    const world = new World(t, { page: true });
    const gateway = await world.online();
    world.socket.say(message(1));
    await world.happens(away);
    assert.deepEqual(world.leftovers, { ...world.leftovers, timers: 0, sockets: 0 });
    await world.happens("visibilitychange", { hidden: true });
    await world.pass(600_000);
    assert.equal(world.sockets.length, 1);
    await world.happens(back);
    world.socket.greet({ position: "e:1" });
    world.socket.say(message(2));

    assert.deepEqual(received(gateway), [1, 2]);
    assert.equal(world.socket.url.searchParams.get("since"), "e:1");
  });
}
