// Where WebSockets do not get through: server-sent events and requests by HTTP.

import assert from "node:assert/strict";
import { test } from "node:test";

import { message, received, settle, states, World } from "./world.js";

/** Connect where no WebSocket gets through, up to the hello by HTTP. */
async function withoutWebSocket(t, options, page) {
  const world = new World(t, { page });
  const gateway = await world.connect(options);
  world.socket.shut();
  await world.next();
  await world.exchange.open();
  world.socket.shut();
  await world.next();
  await world.exchange.open();
  return [world, gateway];
}

test("a WebSocket that fails is followed by HTTP, and once more by a WebSocket, before one does without", async (t) => {
  const [world, gateway] = await withoutWebSocket(t, { token: "a.b.c", device: "phone" });

  assert.equal(world.sockets.length, 2);
  assert.equal(world.exchanges.length, 2);
  assert.equal(gateway.state, "online");
  assert.equal(world.exchange.url.href, "http://gateway.example/sse?device=phone&token=a.b.c");
});

test("the first one that goes through was only to find out", async (t) => {
  const [world] = await withoutWebSocket(t);

  assert.deepEqual(world.exchanges.map(({ aborted }) => aborted ?? false), [true, false]);
});

test("a server that was away is met by a WebSocket, even if HTTP was the first to find it", async (t) => {
  const world = new World(t);
  const gateway = await world.online();
  world.socket.shut();
  for (const restart of [1, 2]) {
    await world.next();
    world.socket.shut();
    await world.next();
    await world.exchange.open();
    world.socket.greet();
    assert.equal(gateway.state, "online", restart);
    world.socket.shut();
  }

  assert.equal(world.exchanges.every(({ aborted }) => aborted), true);
});

test("a server that is away is tried both ways", async (t) => {
  const world = new World(t);
  await world.connect();
  for (let round = 0; round < 3; round += 1) {
    world.socket.shut();
    await world.next();
    world.exchange.fail();
    await world.next();
  }

  assert.equal(world.sockets.length, 4);
  assert.equal(world.exchanges.length, 3);
});

test("without a WebSocket in the world, HTTP is the first and only way", async (t) => {
  const world = new World(t, { WebSocket: null });
  const gateway = await world.connect();
  await world.exchange.open();
  await world.exchange.say(message(1));
  for (let half = 0; half < 25; half += 1) {
    await world.exchange.write(":\n\n");
    await world.pass(30_000);
  }

  assert.deepEqual(received(gateway), [1]);
  assert.equal(world.exchanges.length, 1);
});

test("messages come, however the stream is cut", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  const { write } = world.exchange;
  const stream = (text) => write.call(world.exchange, text);
  const text = JSON.stringify(message(2, { data: "\u2028 in two lines" })).replace(',"time"', '\n,"time"');
  await stream(`id: e:1\ndata: ${JSON.stringify(message(1))}\n`);
  await stream(`\n: a comment\n\nretry: 5\ndata:${text.replace("\n", "\ndata: ")}\r`);
  await stream(`\n\r\n`);

  assert.deepEqual(received(gateway), [1, "\u2028 in two lines"]);
});

test("after a loss it goes on from where it was, by a WebSocket if that gets through now", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  await world.exchange.say(message(1));
  await world.exchange.end();
  await world.next();
  assert.equal(world.socket.url.searchParams.get("since"), "e:1");
  world.socket.greet({ position: "e:1" });
  world.socket.say(message(1), message(2));

  assert.deepEqual(received(gateway), [1, 2]);
});

test("and by HTTP at once if it does not", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  await world.exchange.say(message(1));
  await world.exchange.end();
  await world.next();
  world.socket.shut();
  await world.next();
  await world.exchange.open({ position: "e:1" });

  assert.equal(gateway.state, "online");
  assert.equal(world.exchange.url.searchParams.get("since"), "e:1");
});

test("after five minutes a WebSocket is tried again", async (t) => {
  const [world] = await withoutWebSocket(t);
  const { exchange } = world;
  for (let half = 0; world.sockets.length < 3; half += 1) {
    assert.equal(half < 12, true);
    await exchange.write(":\n\n");
    await world.pass(30_000);
  }

  assert.equal(world.clock.now > 1_300_000, true);
  assert.equal(exchange.aborted, true);
});

test("the retries of a WebSocket do not add up", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  world.share = 1;
  const away = [];
  for (let retry = 0; retry < 3; retry += 1) {
    const { exchange } = world;
    for (const count = world.sockets.length; world.sockets.length === count; await world.pass(1_000)) await exchange.write(":\n\n");
    const before = world.clock.now;
    for (let way = 0; way < 2; way += 1) {
      world.socket.shut();
      await world.next();
      await world.exchange.open();
    }
    assert.equal(gateway.state, "online");
    away.push(world.clock.now - before);
  }

  assert.deepEqual(away, [1_500, 1_500, 1_500]);
});

test("heartbeats are signs of life, and a stream without any is left", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  await world.pass(30_000);
  await world.exchange.write(":\n\n");
  await world.pass(34_000);
  assert.equal(gateway.state, "online");
  await world.pass(1_000);

  assert.equal(gateway.state, "connecting");
});

test("a goodbye counts as it does elsewhere", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  await world.exchange.say({ type: "goodbye", code: 3503, reason: "force disconnect" });
  await world.exchange.end();

  assert.equal(gateway.state, "closed");
});

test("requests are posted one after the other", async (t) => {
  const [world, gateway] = await withoutWebSocket(t, { token: "a.b.c" });
  const first = gateway.send("8", "first", { id: "m1" });
  const second = gateway.publish("news", "second", { id: "m2" });
  await settle();
  const send = world.exchange;
  assert.equal(send.url.href, "http://gateway.example/send?token=a.b.c");
  assert.deepEqual([send.method, send.body], ["POST", { to: "8", data: "first", id: "m1" }]);
  send.answer(200, { type: "ok", offset: 13 });
  assert.equal(await first, 13);
  await settle();
  assert.deepEqual(world.exchange.body, { channel: "news", data: "second", id: "m2" });
  world.exchange.answer(403, { code: 103, message: "permission denied" });

  await assert.rejects(second, { code: 103, message: "permission denied", id: "m2" });
});

for (const [what, answer] of [
  ["an error of the network", (exchange) => exchange.fail()],
  ["code 100", (exchange) => exchange.answer(503, { code: 100, message: "internal server error" })],
  ["a proxy's own page", (exchange) => exchange.answer(502, "<h1>Bad Gateway</h1>")],
  ["a proxy's own JSON", (exchange) => exchange.answer(503, { message: "Service Unavailable" })],
  ["a problem of a proxy's (RFC 9457)", (exchange) => exchange.answer(503, { type: "about:blank", status: 503 })],
]) {
  test(`after ${what} the outcome is unknown, and the request is repeated with its id`, async (t) => {
    const [world, gateway] = await withoutWebSocket(t);
    const sent = gateway.send("8", "hi", { id: "m1" });
    await settle();
    answer(world.exchange);
    await world.pass(1_000);
    assert.equal(world.exchange.body.id, "m1");
    world.exchange.answer(200, { type: "ok", offset: 2 });

    assert.equal(await sent, 2);
  });
}

test("a request that is not answered in 10 seconds is repeated", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  world.timeOut();
  const sent = gateway.send("8", "hi", { id: "m1" });
  await settle();
  const { exchange } = world;
  await world.pass(10_000);
  assert.equal(exchange.aborted, true);
  await world.pass(1_000);
  assert.equal(world.exchange.body.id, "m1");
  world.exchange.answer(200, { type: "ok", offset: 2 });

  assert.equal(await sent, 2);
});

test("one whose turn comes too late is not repeated", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  const sent = gateway.send("8", "hi", { id: "m1" });
  const rejected = assert.rejects(sent, { code: 100, id: "m1" });
  await settle();
  const { exchange } = world;
  const slow = gateway.send("8", "slow", { id: "m2" });
  exchange.answer(503, { code: 100, message: "internal server error" });
  await world.pass(1_000); // now it waits for its turn once more
  world.clock.sleep(270_000);
  world.exchange.answer(200, { type: "ok", offset: 1 });
  assert.equal(await slow, 1);
  await settle();
  await world.pass(1_000);
  await rejected;

  assert.deepEqual(world.exchanges.flatMap(({ body }) => body?.id ?? []), ["m1", "m2"]);
});

test("one whose first turn comes late is sent all the same", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  const slow = gateway.send("8", "slow");
  const sent = gateway.send("8", "hi", { id: "m2" });
  await settle();
  world.clock.sleep(270_000);
  world.exchange.answer(200, { type: "ok", offset: 1 });
  await slow;
  await settle();
  assert.equal(world.exchange.body.id, "m2");
  world.exchange.answer(200, { type: "ok", offset: 2 });

  assert.equal(await sent, 2);
});

test("on another network nothing is taken for granted: again it is two WebSockets that must fail", async (t) => {
  const [world] = await withoutWebSocket(t, {}, true);
  await world.happens("online");
  world.socket.shut();
  await world.next();
  await world.exchange.open();

  assert.equal(world.sockets.length, 4);
});

test("acknowledgements are posted, also by a page that ends", async (t) => {
  const [world] = await withoutWebSocket(t, { device: "phone" });
  await world.exchange.say(message(1));
  await world.pass(200);

  assert.equal(world.exchange.url.href, "http://gateway.example/ack?device=phone");
  assert.deepEqual([world.exchange.body, world.exchange.keepalive], [{ position: "e:1" }, true]);
});

test("cookies go with all that is asked, also to another origin: they may say who the user is", async (t) => {
  const [world, gateway] = await withoutWebSocket(t, { device: "phone" });
  gateway.send("8", "hi").catch(() => {});
  await world.exchange.say(message(1));
  await world.pass(1_000);

  assert.deepEqual(world.exchanges.map(({ url }) => url.pathname), ["/sse", "/sse", "/send", "/ack"]);
  assert.deepEqual(new Set(world.exchanges.map(({ credentials }) => credentials)), new Set(["include"]));
});

test("there are no channels, and that is said; with a WebSocket there are", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  const subscription = gateway.subscribe("news");
  const errors = [];
  subscription.addEventListener("error", ({ detail }) => errors.push(detail.code));
  await settle();
  assert.deepEqual(errors, [108]);
  await world.exchange.end();
  await world.next();
  world.socket.shut();
  await world.next();
  await world.exchange.open();
  assert.deepEqual(errors, [108, 108]);
  await world.exchange.end();
  await world.next();
  world.socket.greet();

  assert.deepEqual(world.socket.sent.map(({ type, channel }) => [type, channel]), [["subscribe", "news"]]);
});

test("where there are no channels none is unsubscribed", async (t) => {
  const [world, gateway] = await withoutWebSocket(t);
  const before = world.exchanges.length;
  gateway.subscribe("news").unsubscribe();
  await settle();

  assert.equal(world.exchanges.length, before);
});

// In the gateway's own words, those of a hook, or those of a proxy before it: the HTTP status counts.
for (const [whose, told, code, reason] of [
  ["the gateway", { code: 101, message: "unauthorized" }, 101, "unauthorized"],
  ["a hook", { code: 401, message: "log in first" }, 401, "log in first"],
  ["a proxy", "who are you?", 101, "401"],
]) {
  test(`a token that ${whose} refuses is told, with the code of the server, and it is closed`, async (t) => {
    const world = new World(t);
    const gateway = await world.connect({ token: "old" });
    for (const attempt of [1, 2]) {
      world.socket.shut();
      await world.next();
      world.exchange.answer(401, told);
      await settle();
      assert.equal(gateway.state, attempt === 1 ? "connecting" : "closed");
    }

    assert.deepEqual(gateway.told.at(-1), { state: "closed", code, reason });
  });

  test(`a token function is asked once more after ${whose} refused, and the way is by WebSocket again`, async (t) => {
    const world = new World(t);
    const tokens = ["old", "old", "new"];
    const gateway = await world.connect({ token: async () => tokens.shift() });
    world.socket.shut();
    await world.next();
    world.exchange.answer(401, told);
    await settle();
    assert.deepEqual(world.socket.protocols, ["trio-gateway", "new"]);
    world.socket.greet();

    assert.deepEqual(states(gateway), ["connecting 1006", "online"]);
  });
}

test("without a WebSocket in the world a token function is asked once more as well", async (t) => {
  const world = new World(t, { WebSocket: null });
  const tokens = ["old", "new", "none"];
  const gateway = await world.connect({ token: async () => tokens.shift() });
  for (const attempt of [1, 2]) {
    world.exchange.answer(401, { code: 401, message: "log in first" });
    await settle();
    assert.equal(gateway.state, attempt === 1 ? "connecting" : "closed");
  }

  assert.deepEqual(tokens, ["none"]);
});

test("and so it is after the next refusal, when a token has been good in between", async (t) => {
  const world = new World(t);
  const tokens = ["old", "old", "new", "worn", "worn", "newer"];
  await world.connect({ token: async () => tokens.shift() });
  for (const good of ["new", "newer"]) {
    world.socket.shut();
    await world.next();
    world.exchange.answer(401, { code: 101, message: "unauthorized" });
    await settle();
    assert.deepEqual(world.socket.protocols, ["trio-gateway", good]);
    world.socket.greet();
    if (good === "new") world.socket.shut();
    if (good === "new") await world.next();
  }
});

for (const code of [101, 401]) {
  test(`a token that is refused between two requests, with ${code}, is renewed by a new connection`, async (t) => {
    const [world, gateway] = await withoutWebSocket(t, { token: async () => "t" });
    const sent = gateway.send("8", "hi", { id: "m1" });
    await settle();
    world.exchange.answer(401, { code, message: "unauthorized" });
    await world.next();
    world.socket.greet();
    assert.equal(world.socket.sent[0].id, "m1");
    world.socket.say({ type: "ok", ref: 1, offset: 1 });

    assert.equal(await sent, 1);
  });
}

for (const [status, told, end] of [
  [400, { code: 107, message: "bad request", detail: "a device is 1 to 64 of A-Z a-z 0-9 . _ -" }, "closed 107"],
  [403, { code: 103, message: "permission denied" }, "closed 103"],
  [400, "<h1>Bad Request</h1>", "connecting 1006"],
  [403, { code: 403, message: "not for you" }, "closed 403"],
  [404, { code: 104, message: "method not found" }, "connecting 104"],
  [503, { code: 106, message: "limit exceeded" }, "connecting 106"],
  [502, "<h1>Bad Gateway</h1>", "connecting 1006"],
]) {
  test(`a refusal with HTTP status ${status} makes it ${end}`, async (t) => {
    const world = new World(t);
    const gateway = await world.connect();
    world.socket.shut();
    await world.next();
    world.exchange.answer(status, told);
    await settle();

    assert.equal(states(gateway).at(-1), end);
    if (typeof told !== "string") assert.equal(gateway.told.at(-1).reason, told.detail ?? told.message);
  });
}

test("a client that is closed aborts what is under way, and leaves nothing", async (t) => {
  const [world, gateway] = await withoutWebSocket(t, {}, true);
  const sent = gateway.send("8", "hi");
  const rejected = assert.rejects(sent, { code: 1000 });
  await settle();
  gateway.close();
  await rejected;

  assert.equal(world.exchanges.every(({ aborted }) => aborted), true);
  assert.deepEqual(world.leftovers, { timers: 0, listeners: 0, sockets: 0 });
});
