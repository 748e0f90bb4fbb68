// BullMQ, whose every step is a Lua script, with redpoll at $REDPOLL_PORT.  Run by test_bullmq.py.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, test } from "node:test";

const require = createRequire(process.env.PACKAGES_FOLDER + "/");
const { FlowProducer, Queue, QueueEvents, Worker } = require("bullmq");

const connection = { host: "127.0.0.1", port: Number(process.env.REDPOLL_PORT), maxRetriesPerRequest: null };
const open = [];
const keep = (closable) => (open.push(closable), closable);
let number = 0;

/** A queue with its events, and a worker that runs `work`. */
async function queue(work, options = {}) {
  const name = `queue${number++}`;
  const made = keep(new Queue(name, { connection }));
  const events = keep(new QueueEvents(name, { connection }));
  await events.waitUntilReady();
  const worker = keep(new Worker(name, work, { connection, ...options }));
  return { made, events, worker, name };
}

after(async () => {
  for (const closable of open.reverse()) await closable.close();
});

test("a hundred jobs, in bulk and one by one", async () => {
  const { made, events } = await queue(async (job) => job.data.n * 2, { concurrency: 5 });
  const bulk = await made.addBulk(Array.from({ length: 50 }, (_, n) => ({ name: "double", data: { n } })));
  const single = await Promise.all(Array.from({ length: 50 }, (_, n) => made.add("double", { n: n + 50 })));
  const results = await Promise.all([...bulk, ...single].map((job) => job.waitUntilFinished(events, 20000)));
  assert.deepEqual(results, Array.from({ length: 100 }, (_, n) => n * 2));
  assert.deepEqual(await made.getJobCounts("completed", "active", "failed"), { completed: 100, active: 0, failed: 0 });
});

test("delayed jobs run in their order, after their time", async () => {
  const ran = [];
  const { made, events } = await queue(async (job) => ran.push([job.data, Date.now()]));
  const began = Date.now();
  const jobs = await Promise.all([
    made.add("late", "third", { delay: 600 }),
    made.add("late", "second", { delay: 300 }),
    made.add("now", "first"),
  ]);
  assert.equal((await made.getDelayed()).length, 2);
  await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 20000)));
  assert.deepEqual(ran.map(([data]) => data), ["first", "second", "third"]);
  assert.ok(ran[1][1] - began >= 295 && ran[2][1] - began >= 595);
});

test("a job that fails is tried again, with a pause that grows", async () => {
  const tries = [];
  const { made, events } = await queue(async (job) => {
    tries.push(Date.now());
    if (tries.length < 3) throw new Error("not now");
    return job.attemptsMade;
  });
  const job = await made.add("flaky", {}, { attempts: 3, backoff: { type: "exponential", delay: 100 } });
  assert.equal(await job.waitUntilFinished(events, 20000), 2);
  assert.ok(tries[1] - tries[0] >= 95 && tries[2] - tries[1] >= 195);
});

test("a job that fails for good keeps its reason, and can be retried", async () => {
  let broken = true;
  const { made, events } = await queue(async () => {
    if (broken) throw new Error("broken");
    return "mended";
  });
  const job = await made.add("fails", {}, { attempts: 2 });
  await assert.rejects(job.waitUntilFinished(events, 20000), /broken/);
  assert.equal(await job.getState(), "failed");
  const failed = (await made.getFailed())[0];
  assert.equal(failed.failedReason, "broken");
  assert.equal(failed.attemptsMade, 2);
  broken = false;
  await failed.retry();
  assert.equal(await failed.waitUntilFinished(events, 20000), "mended");
});

test("a rate limit", async () => {
  const times = [];
  const { made, events } = await queue(async () => times.push(Date.now()), { limiter: { max: 2, duration: 300 }, concurrency: 10 });
  const jobs = await made.addBulk(Array.from({ length: 7 }, () => ({ name: "limited", data: {} })));
  await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 20000)));
  times.sort((a, b) => a - b);
  assert.equal(times.length, 7);
  for (let index = 0; index + 2 < times.length; index += 1) assert.ok(times[index + 2] - times[index] >= 200, `${times}`);
});

test("priorities, and jobs of one id", async () => {
  const ran = [];
  const { made, events, worker } = await queue(async (job) => ran.push(job.data), { autorun: false });
  const jobs = [
    await made.add("p", "low", { priority: 10 }),
    await made.add("p", "high", { priority: 1 }),
    await made.add("p", "middle", { priority: 5 }),
    await made.add("p", "plain"),
  ];
  await made.add("p", "once", { jobId: "same" });
  const again = await made.add("p", "twice", { jobId: "same" });
  worker.run();
  await Promise.all([...jobs, again].map((job) => job.waitUntilFinished(events, 20000)));
  assert.deepEqual(ran.slice(-3), ["high", "middle", "low"]);
  assert.deepEqual(ran.slice(0, 2).sort(), ["once", "plain"]);
});

test("a flow: the parent runs after its children", async () => {
  const { events, name } = await queue(async (job) => {
    if (job.name === "child") return job.data.n;
    return Object.values(await job.getChildrenValues()).reduce((a, b) => a + b, 0);
  });
  const flows = keep(new FlowProducer({ connection }));
  const children = [1, 2, 3].map((n) => ({ name: "child", queueName: name, data: { n } }));
  const { job } = await flows.add({ name: "parent", queueName: name, data: {}, children });
  assert.equal(await job.waitUntilFinished(events, 20000), 6);
});

test("a job that repeats, progress, pause and drain", async () => {
  let ran = 0;
  const { made, events } = await queue(async (job) => {
    ran += 1;
    await job.updateProgress(50);
    await job.log(`run ${ran}`);
  });
  const progress = new Promise((done) => events.once("progress", ({ data }) => done(data)));
  await made.upsertJobScheduler("often", { every: 100 }, { name: "tick", data: {} });
  assert.equal(await progress, 50);
  while (ran < 3) await new Promise((done) => setTimeout(done, 20));
  assert.ok(await made.removeJobScheduler("often"));
  await made.pause();
  await made.add("waits", {});
  assert.equal((await made.getJobCounts("paused")).paused, 1);
  await made.drain();
  await made.resume();
  await made.obliterate({ force: true });
  assert.equal(await made.count(), 0);
});
