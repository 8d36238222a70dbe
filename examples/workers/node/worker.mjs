// A worker in JavaScript: Node 18 or newer, fetch alone, no packages. It runs the kinds of the conformance kit.
//
//     IRONFORGE_URL=http://localhost:3000 IRONFORGE_QUEUES=main node examples/workers/node/worker.mjs
import { randomUUID } from "node:crypto";

const env = process.env;
const url = env.IRONFORGE_URL ?? "http://localhost:3000";
const queues = (env.IRONFORGE_QUEUES ?? "main").split(",");
const concurrency = Number(env.IRONFORGE_CONCURRENCY ?? 10);
const leaseMs = Number(env.IRONFORGE_LEASE_MS ?? 10_000);
const graceMs = Number(env.IRONFORGE_GRACE_S ?? 25) * 1000;

class Retry extends Error { constructor(delayMs) { super("not yet"); this.delayMs = delayMs; } }
class Snooze extends Error { constructor(delayMs) { super("later"); this.delayMs = delayMs; } }
class Discard extends Error {}

// What the worker can do. `job` tells attempt, checkpoint and signal, and takes progress, log and checkpoint.
const handlers = {
  "conformance.echo": async (job, payload) => payload,
  "conformance.fail": async (job, { times, message }) => {
    if (job.attempt <= times) throw new Error(message);
    return { attempt: job.attempt };
  },
  "conformance.retry": async (job, { delay_ms }) => {
    if (job.attempt === 1) throw new Retry(delay_ms);
    return { attempt: job.attempt };
  },
  "conformance.snooze": async (job, { delay_ms }) => {
    if (job.attempt === 1) throw new Snooze(delay_ms);
    return { attempt: job.attempt };
  },
  "conformance.discard": async () => { throw new Discard("not wanted"); },
  "conformance.sleep": async (job, { ms }) => {
    await sleep(ms, job.signal);
    return { slept_ms: ms };
  },
  "conformance.crash": async (job, { times }) => {
    if (job.attempt <= times) process.exit(70);
    return { attempt: job.attempt };
  },
  "conformance.progress": async (job, { steps, fail_after }) => {
    const first = (job.checkpoint?.done ?? 0) + 1;
    for (let step = first; step <= steps; step++) {
      const text = `step ${step}`;
      await job.report({ progress: { fraction: step / steps, text }, log: [text], checkpoint: { done: step } });
      if (job.attempt === 1 && step === fail_after) throw new Error("stopped half way");
    }
    return { first };
  },
};

const held = new Map(); // lease token → job
let workerId = null;
let isQuiet = false;
let isStopping = false;
let isLeaving = false; // nothing is said any more but goodbye
const unstarted = []; // leases that came too late to begin
let poll = null; // ends the claim that waits
let isAway = false; // the server, as far as is known

const say = (text) => console.error(`worker: ${text}`);

function note(away, why = "") {
  if (away !== isAway) say(away ? `${url} does not answer (${why}), trying again` : `${url} answers again`);
  isAway = away;
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => { clearTimeout(timer); reject(signal.reason); };
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

async function ask(method, path, body, signal = AbortSignal.timeout(30_000)) {
  const headers = { "Content-Type": "application/json" };
  if (env.IRONFORGE_API_KEY) headers.Authorization = `Bearer ${env.IRONFORGE_API_KEY}`;
  const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body), signal }).catch((error) => {
    if (error.name !== "AbortError") note(true, error.cause?.code ?? error.name);
    throw error;
  });
  note(answer.status === 503, "503");
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : null;
  throw Object.assign(new Error(`${method} ${path}: ${answer.status} ${text}`), { status: answer.status });
}

// Every request of the protocol may be sent again as it is: this does so until there is an answer.
async function insist(method, path, body) {
  for (let tries = 0; ; tries++) {
    try {
      return await ask(method, path, body);
    } catch (error) {
      if (error.status && error.status !== 503 && error.status !== 429) throw error;
      await sleep(Math.random() * Math.min(2000, 100 * 2 ** tries) + 50);
    }
  }
}

async function register() {
  const kinds = Object.keys(handlers);
  const body = { name: "node", language: "javascript", pid: process.pid, queues, kinds, concurrency };
  workerId = (await insist("POST", "/workers", body)).worker_id;
  say(`${workerId} serves ${queues} of ${url}`);
}

// Three times a lease: extend what is held, hear what is lost or cancelled, and what to do.
async function heart() {
  while (!isLeaving) {
    const asked = [...held.values()].filter((job) => !job.isSettled);
    const leases = asked.map((job) => job.key);
    const status = isStopping ? "draining" : isQuiet ? "quiet" : "running";
    const sent = performance.now();
    try {
      const path = `/workers/${workerId}/heartbeat`;
      const inTime = AbortSignal.timeout(Math.round(leaseMs / 3));
      const news = await ask("POST", path, { status, leases, lease_ms: leaseMs }, inTime);
      for (const job of asked) {
        if (news.extended.includes(job.key.job_id)) job.trustedUntil = sent + leaseMs * 0.9;
        if (news.lost.includes(job.key.job_id)) job.stop("lost");
        if (news.cancel_requested.includes(job.key.job_id)) job.stop("cancelled");
      }
      if (news.order === "terminate") stop();
      isQuiet = news.order === "quiet";
      if (isQuiet) poll?.abort();
    } catch (error) {
      // Behind its goodbye it would be listed anew.
      if (error.status === 404 && !isLeaving) await register();
    }
    // Without an extension somebody else may run the job by now.
    for (const job of held.values()) if (performance.now() > job.trustedUntil) job.stop("lost");
    await sleep(leaseMs / 6);
  }
}

async function claim() {
  const body = { worker_id: workerId, queues, max_jobs: concurrency - held.size, wait_ms: 20_000, lease_ms: leaseMs };
  const claimId = randomUUID(); // the same when the answer is lost: it brings the same leases
  while (!isStopping) {
    poll = new AbortController();
    try {
      return (await ask("POST", "/leases", { ...body, claim_id: claimId }, poll.signal)).leases;
    } catch (error) {
      if (error.status === 404) return []; // the next heartbeat registers
      if (!poll.signal.aborted) await sleep(200 + Math.random() * 300);
      else if (!isStopping) break;
    }
  }
  // Hung up, but the answer may have been on its way: ask what it brought.
  const brought = ask("POST", "/leases", { ...body, claim_id: claimId, wait_ms: 0 }, AbortSignal.timeout(3000));
  return brought.then((answer) => answer.leases, () => []);
}

function start(lease) {
  const abort = new AbortController();
  const key = { job_id: lease.job_id, lease_token: lease.lease_token };
  let reports = 0;
  const job = {
    key, attempt: lease.attempt, checkpoint: lease.checkpoint, signal: abort.signal, why: null, outcome: null,
    isSettled: false,
    trustedUntil: performance.now() + leaseMs * 0.9,
    stop(why) { if (!job.isSettled) { job.why = job.why ?? why; abort.abort(new Error(why)); } },
    report: (told) => insist("POST", "/leases/report", { reports: [{ ...key, number: ++reports, ...told }] }),
  };
  held.set(key.lease_token, job);
  run(job, lease.job).catch((error) => console.error(error.message)).finally(() => held.delete(key.lease_token));
}

function giveBack({ job_id, lease_token }) {
  insist("POST", "/leases/settle", { settlements: [{ job_id, lease_token, outcome: "released" }] }).catch(console.error);
}

async function run(job, { kind, payload, timeout_ms }) {
  const began = performance.now();
  const timer = setTimeout(() => job.stop("timeout"), timeout_ms);
  const outcome = await attempt(job, kind, payload);
  clearTimeout(timer);
  job.outcome = outcome.outcome;
  if (job.why === "lost") return; // nothing to say: the job is somebody else's
  const settlement = { ...job.key, duration_ms: Math.round(performance.now() - began), ...outcome };
  const { results } = await insist("POST", "/leases/settle", { settlements: [settlement] });
  job.isSettled = true;
  if (results[0].code) console.error(`${job.key.job_id}: ${results[0].code}`);
}

async function attempt(job, kind, payload) {
  const failure = (type, message, traceback = "") => ({ outcome: "failed", error: { type, message, traceback } });
  if (!handlers[kind]) return { ...failure("unknown_kind", `No handler for ${kind}.`), outcome: "unknown_kind" };
  try {
    return { outcome: "completed", result: (await handlers[kind](job, payload)) ?? null };
  } catch (error) {
    if (error instanceof Snooze) return { outcome: "snoozed", delay_ms: error.delayMs };
    if (error instanceof Discard) return { ...failure("discard", error.message), outcome: "discarded" };
    if (error instanceof Retry) return { ...failure("retry", error.message), delay_ms: error.delayMs };
    if (job.why === "shutdown") return { outcome: "released" };
    if (job.why) return failure(job.why, `The job was stopped: ${job.why}.`);
    return failure(error.name, error.message, error.stack);
  }
}

function stop() {
  say("stopping");
  isStopping = true;
  if (!workerId) process.exit(0); // nothing is held, and nobody to say goodbye to
  poll?.abort();
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);

await register();
heart();
while (!isStopping) {
  if (isQuiet || held.size >= concurrency) await sleep(20);
  else {
    for (const lease of await claim()) {
      if (isStopping) unstarted.push(lease);
      else if (isQuiet) giveBack(lease);
      else start(lease);
    }
  }
}
// Running jobs may end; what is left after the grace is given back.
const graceEnds = performance.now() + graceMs;
while (held.size && performance.now() < graceEnds) await sleep(20);
for (const job of held.values()) job.stop("shutdown");
const lastWords = performance.now() + 3000;
while (held.size && performance.now() < lastWords) await sleep(20);
// Not what has ended and could not be told: it would run a second time at once.
const left = [...held.values()].filter((job) => [null, "released"].includes(job.outcome)).map((job) => job.key);
for (const { job_id, lease_token } of unstarted) left.push({ job_id, lease_token });
isLeaving = true;
const goodbye = insist("DELETE", `/workers/${workerId}`, { leases: left }).catch(() => {});
await Promise.race([goodbye, sleep(9000)]); // the server forgets who is silent by itself
say("stopped");
process.exit(0);
