// BullMQ: `node bullmq_jobs.mjs work` works, `fill|pace|naps …` sends, `web <port>` serves Express.
import { openSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(`${process.env.BENCH_NODE}/`);
const { Queue, Worker } = require("bullmq");

const address = new URL(process.env.BENCH_REDIS_URL);
const connection = { host: address.hostname, port: Number(address.port), maxRetriesPerRequest: null };
const PAYLOAD = JSON.parse(process.env.BENCH_PAYLOAD);
const BATCH = 200;
const CONCURRENCY = Number(process.env.BENCH_CONCURRENCY ?? 50);
const nowUs = () => Number(process.hrtime.bigint() / 1000n);
const stamps = openSync(process.env.BENCH_STAMPS, "a");
const note = (data) => writeSync(stamps, `${data.number ?? data.sent_us ?? 0} ${nowUs()}\n`);

async function run(job) {
  if (job.name === "nap") await sleep(5);
  if (job.name !== "noop") note(job.data);
}

async function fill(queue, count, every) {
  for (let start = 0; start <= count; start += BATCH) {
    const jobs = [];
    for (let number = start; number < Math.min(start + BATCH, count + 1); number++) {
      const isStamp = every > 0 && number % every === 0;
      jobs.push({ name: isStamp ? "stamp" : "noop", data: isStamp ? { ...PAYLOAD, sent_us: 0 } : PAYLOAD });
    }
    await queue.addBulk(jobs);
  }
  return count + 1;
}

async function naps(queue, count) {
  for (let start = 0; start < count; start += BATCH) {
    const jobs = [];
    for (let number = start; number < Math.min(start + BATCH, count); number++) {
      jobs.push({ name: "nap", data: { ...PAYLOAD, number } });
    }
    await queue.addBulk(jobs);
  }
  return count;
}

async function pace(queue, count, perSecond) {
  const start = performance.now();
  for (let number = 0; number < count; number++) {
    const wait = start + (number * 1000) / perSecond - performance.now();
    if (wait > 0) await sleep(wait);
    await queue.add("stamp", { ...PAYLOAD, sent_us: nowUs() });
  }
  return count;
}

function web(queue, port) {
  const express = require("express");
  const app = express();
  app.use(express.json());
  app.post("/jobs", async (request, response) => {
    const { kind, payload } = request.body;
    if (typeof kind !== "string" || payload === undefined) return response.status(422).json({ code: "invalid" });
    const job = await queue.add("noop", payload);
    return response.status(202).json({ id: job.id, status: "queued" });
  });
  app.listen(port, "127.0.0.1");
}

const [act, first, second] = process.argv.slice(2);
if (act === "work") {
  const worker = new Worker("bench", run, { connection, concurrency: CONCURRENCY });
  process.on("SIGTERM", () => worker.close(true).then(() => process.exit(0)));
} else if (act === "web") {
  web(new Queue("bench", { connection }), Number(first));
} else {
  const queue = new Queue("bench", { connection });
  await queue.waitUntilReady();
  const start = performance.now();
  const used = process.cpuUsage();
  const acts = { fill, naps, pace };
  const jobs = await acts[act](queue, Number(first), Number(second));
  const cpu = process.cpuUsage(used);
  console.log(JSON.stringify({
    jobs, seconds: (performance.now() - start) / 1000, cpu_s: (cpu.user + cpu.system) / 1e6,
  }));
  await queue.close();
}
