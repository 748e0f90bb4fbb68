// socket.io with its Redis adapter: two sites that share redpoll at $REDPOLL_PORT.  Run by test_socket_io.py.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(process.env.PACKAGES_FOLDER + "/");
const { Server } = require("socket.io");
const { io: connect } = require("socket.io-client");
const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");

const url = `redis://127.0.0.1:${process.env.REDPOLL_PORT}`;

/** A site with its own two connections to redpoll, and what closes them. */
async function site(create, RESP) {
  const pub = createClient({ url, RESP });
  const sub = pub.duplicate();
  await Promise.all([pub.connect(), sub.connect()]);
  const http = createServer();
  const io = new Server(http, { adapter: create(pub, sub) });
  io.on("connection", (socket) => socket.on("enter", (room, done) => done(socket.join(room))));
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  const close = async () => {
    await io.close();
    await Promise.all([pub.close(), sub.close()]);
  };
  return { io, close, address: `http://127.0.0.1:${http.address().port}` };
}

async function browser(address) {
  const socket = connect(address, { transports: ["websocket"], forceNew: true });
  await new Promise((done) => socket.once("connect", done));
  return socket;
}

const heard = (socket, event) => new Promise((done) => socket.once(event, (...args) => done(args)));

/** Ask until the answer is as it should be: what one site tells the other takes a moment. */
async function until(ask, good) {
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    await new Promise((done) => setTimeout(done, 5));
  }
}

const adapters = [
  ["the adapter, RESP2", createAdapter, 2],
  ["the adapter, RESP3", createAdapter, 3],
  ["the sharded adapter, RESP2", createShardedAdapter, 2],
  ["the sharded adapter, RESP3", createShardedAdapter, 3],
];

for (const [name, create, RESP] of adapters) {
  test(name, { timeout: 60_000 }, async () => {
    const one = await site(create, RESP);
    const other = await site(create, RESP);
    const ann = await browser(one.address);
    const bob = await browser(other.address);
    try {
      // Both sites know of each other once each sees both browsers.
      await until(() => one.io.fetchSockets(), (found) => found.length === 2);
      await until(() => other.io.fetchSockets(), (found) => found.length === 2);

      const both = Promise.all([heard(ann, "news"), heard(bob, "news")]);
      one.io.emit("news", { text: "hello" }, Buffer.from([0, 13, 10, 255]));
      for (const [object, bytes] of await both) {
        assert.deepEqual(object, { text: "hello" });
        assert.deepEqual([...bytes], [0, 13, 10, 255]);
      }

      await bob.emitWithAck("enter", "kitchen");
      await until(() => one.io.in("kitchen").fetchSockets(), (found) => found.length === 1);
      let wrong = 0;
      ann.on("tea", () => wrong++);
      const tea = heard(bob, "tea");
      one.io.to("kitchen").emit("tea", 1);
      assert.deepEqual(await tea, [1]);

      one.io.in(ann.id).socketsJoin("cellar");
      other.io.in(bob.id).socketsJoin("cellar");
      await until(() => one.io.in("cellar").fetchSockets(), (found) => found.length === 2);
      one.io.in("cellar").socketsLeave("cellar");
      await until(() => one.io.in("cellar").fetchSockets(), (found) => found.length === 0);

      ann.on("ask", (done) => done("ann"));
      bob.on("ask", (done) => done("bob"));
      assert.deepEqual((await one.io.timeout(5_000).emitWithAck("ask")).sort(), ["ann", "bob"]);

      other.io.on("between", (text, done) => done(`got ${text}`));
      assert.deepEqual(await one.io.serverSideEmitWithAck("between", "sites"), ["got sites"]);

      const gone = heard(bob, "disconnect");
      one.io.in(bob.id).disconnectSockets(true);
      await gone;
      await until(() => one.io.fetchSockets(), (found) => found.length === 1);
      assert.equal(wrong, 0);
    } finally {
      ann.close();
      bob.close();
      await one.close();
      await other.close();
    }
  });
}
