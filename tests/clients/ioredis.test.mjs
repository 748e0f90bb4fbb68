// ioredis against the server at $REDPOLL_PORT: what a Node program does on its first day.  Run by test_ioredis.py.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, beforeEach, test } from "node:test";

const { default: Redis } = await import(createRequire(process.env.PACKAGES_FOLDER + "/").resolve("ioredis"));

const options = { port: Number(process.env.REDPOLL_PORT), host: "127.0.0.1", retryStrategy: null };
const redis = new Redis(options);

beforeEach(() => redis.flushall());
after(() => redis.quit());

test("strings", async () => {
  assert.equal(await redis.ping(), "PONG");
  assert.equal(await redis.set("k", "v"), "OK");
  assert.equal(await redis.get("k"), "v");
  assert.equal(await redis.get("missing"), null);
  assert.equal(await redis.set("k", "w", "NX"), null);
  assert.equal(await redis.set("k", "w", "EX", 100, "GET"), "v");
  assert.equal(await redis.ttl("k"), 100);
  assert.equal(await redis.getex("k", "PERSIST"), "w");
  assert.equal(await redis.ttl("k"), -1);
  assert.equal(await redis.append("k", "xyz"), 4);
  assert.equal(await redis.getrange("k", 1, -2), "xy");
  assert.equal(await redis.setrange("k", 6, "!"), 7);
  assert.equal(await redis.strlen("k"), 7);
  assert.equal(await redis.incrby("n", 41), 41);
  assert.equal(await redis.incrbyfloat("n", 0.5), "41.5");
  assert.equal(await redis.getdel("n"), "41.5");
  assert.equal(await redis.setnx("n", 1), 1);
  assert.equal(await redis.getset("n", 2), "1");
});

test("several strings", async () => {
  assert.equal(await redis.mset({ a: "1", b: "2" }), "OK");
  assert.equal(await redis.mset(new Map([["c", "3"]])), "OK");
  assert.deepEqual(await redis.mget("a", "b", "missing", "c"), ["1", "2", null, "3"]);
  assert.equal(await redis.msetnx("c", "4", "d", "4"), 0);
  assert.equal(await redis.del("a", "b", "missing"), 2);
});

test("bytes", async () => {
  const every = Buffer.from(Array.from({ length: 70000 }, (_, at) => at % 256));
  await redis.set("k", every);
  assert.deepEqual(await redis.getBuffer("k"), every);
});

test("hashes and sorted sets", async () => {
  assert.equal(await redis.hset("h", { a: 1, b: "two" }), 2);
  assert.deepEqual(await redis.hgetall("h"), { a: "1", b: "two" });
  assert.equal(await redis.hget("h", "b"), "two");
  assert.equal(await redis.zadd("z", 1, "a", 2.5, "b"), 2);
  assert.deepEqual(await redis.zrange("z", 0, -1, "WITHSCORES"), ["a", "1", "b", "2.5"]);
  assert.equal(await redis.zscore("z", "b"), "2.5");
});

test("pipelines, also automatic ones, and transactions", async () => {
  const pipeline = redis.pipeline();
  for (let number = 0; number < 1000; number++) pipeline.incr("n");
  const replies = await pipeline.exec();
  assert.deepEqual(replies.at(-1), [null, 1000]);
  assert.deepEqual(await redis.multi().incr("n").get("n").exec(), [[null, 1001], [null, "1001"]]);
  const automatic = new Redis({ ...options, enableAutoPipelining: true });
  const found = await Promise.all(Array.from({ length: 200 }, () => automatic.incr("n")));
  assert.equal(found.at(-1), 1201);
  automatic.disconnect();
});

test("a transaction is broken by who changes what it watches", async () => {
  const other = new Redis(options);
  await redis.watch("k");
  await other.set("k", "changed");
  assert.equal(await redis.multi().get("k").exec(), null);
  other.disconnect();
});

test("errors", async () => {
  await redis.set("k", "v");
  await assert.rejects(redis.hget("k", "f"), /WRONGTYPE Operation against a key/);
  await assert.rejects(redis.call("NOSUCH", "a"), /unknown command 'NOSUCH'/);
  assert.equal(await redis.ping(), "PONG");
});

test("scan streams", async () => {
  await redis.mset(Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`key:${at}`, "v"])));
  const found = new Set();
  for await (const keys of redis.scanStream({ match: "key:*", count: 50 })) keys.forEach((key) => found.add(key));
  assert.equal(found.size, 500);
});

test("blocking until somebody adds", async () => {
  const other = new Redis({ ...options, db: 0 });
  const waiting = other.bzpopmin("z", 5);
  // Its INFO and its BZPOPMIN must have arrived first.
  while (!(await redis.client("LIST")).includes("cmd=bzpopmin"));
  await redis.zadd("z", 7, "m");
  assert.deepEqual(await waiting, ["z", "m", "7"]);
  other.disconnect();
});

test("databases and names", async () => {
  const third = new Redis({ ...options, db: 3, connectionName: "third" });
  await third.set("k", "v");
  assert.equal(await third.client("GETNAME"), "third");
  assert.equal(await redis.exists("k"), 0);
  await redis.select(3);
  assert.equal(await redis.get("k"), "v");
  await redis.select(0);
  third.disconnect();
});

test("subscribers", async () => {
  const listener = new Redis(options);
  const heard = [];
  const last = new Promise((resolve) =>
    listener.on("pmessage", (pattern, channel, text) => {
      heard.push(`${pattern} ${channel} ${text}`);
      if (text === "last") resolve();
    }),
  );
  listener.on("message", (channel, text) => heard.push(`${channel} ${text}`));
  assert.equal(await listener.subscribe("news", "other"), 2);
  assert.equal(await listener.psubscribe("n*"), 3);
  assert.equal(await redis.publish("news", "hello"), 2);
  assert.equal(await redis.publish("other", "there"), 1);
  assert.equal(await redis.publish("nobody", "last"), 1);
  await last;
  assert.deepEqual(heard, ["news hello", "n* news hello", "other there", "n* nobody last"]);
  assert.deepEqual(await redis.pubsub("NUMSUB", "news"), ["news", 1]);
  assert.equal(await listener.unsubscribe("news", "other"), 1);
  assert.equal(await listener.punsubscribe(), 0);
  assert.equal(await listener.ping(), "PONG");
  listener.disconnect();
});
