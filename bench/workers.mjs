// Executions on a NATS server: what they cost beside a journal on this machine, how workers add up, and how fast a follower
// reads. Needs nats-server on the path.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MemoryJournal, SqliteJournal } from "../dist/src/index.js";
import { NatsJournal, openExecution, submit } from "../dist/src/workers/index.js";
import { JobQueue } from "../dist/src/workers/queue/job-queue.js";
import { runLasting } from "./lasting-run.mjs";
import { compare, printTable, scaled, time } from "./measure.mjs";
import { cpuMsWithChildren } from "./processes.mjs";

const PROGRAM = fileURLToPath(new URL("../dist/cli/main.cjs", import.meta.url));
let lastId = 0;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Starts a worker in a process of its own, and waits until it takes jobs. */
async function startWorker(servers, prefix, flags) {
  const args = [
    PROGRAM,
    "worker",
    "--nats",
    servers,
    "--nats-prefix",
    prefix,
    "--slots",
    "1",
    "--model",
    "embedded:demo",
    ...flags,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  await once(child.stderr, "data");
  child.stderr.resume();
  return child;
}

/** How many jobs that wait 200 ms so many workers do in a second, one at a time each. */
async function jobsPerSecond(servers, count, flags = []) {
  const prefix = `bench${++lastId}`;
  const nats = { servers, prefix };
  const workers = [];
  for (let i = 0; i < count; i++) workers.push(await startWorker(servers, prefix, flags));
  try {
    const code = "await new Promise((resolve) => setTimeout(resolve, 200))";
    // One that nobody takes, to make the others of.
    await using model = await submit({ code }, { nats, pool: "nobody" });
    await using queue = await JobQueue.open(nats);
    const job = { ...(await queue.job(model.id)), pool: "default" };
    const jobs = scaled(30) * count;
    const doAll = async (name, total) => {
      for (let i = 0; i < total; i++) await queue.submitted.put(name + i, JSON.stringify({ ...job, id: name + i }));
      return time(async () => {
        for (let i = 0; i < total; i++) await queue.push({ ...job, id: name + i }, "submitted");
        while ((await queue.waiting("default")).size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      });
    };
    // Workers that run for days have their code compiled.
    await doAll("warm", scaled(10) * count);
    const cpuMs = () => workers.reduce((sum, { pid }) => sum + cpuMsWithChildren(pid), 0);
    const before = cpuMs();
    const ms = await doAll("job", jobs);
    return { value: (jobs / ms) * 1000, cpuMicros: ((cpuMs() - before) / jobs) * 1000 };
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
  }
}

/** How many events somebody reads in a second, who follows an execution from its beginning. */
async function eventsPerSecond(nats) {
  const id = `followed${++lastId}`;
  const count = scaled(50_000);
  const journal = await NatsJournal.open(nats);
  const lease = await journal.begin(id, { script: "a.js" });
  const event = JSON.stringify({ type: "partial", delta: "word ", seq: 1, step: { stepId: "a" }, time: 1 });
  for (let i = 0; i < count; i += 64)
    await lease.append(Array.from({ length: 64 }, () => ({ kind: "event", text: event })));
  await lease.append([{ kind: "end", text: JSON.stringify({ ok: true, end: "completed" }) }], { state: "completed" });
  await using execution = await openExecution(id, nats);
  let events = 0;
  const ms = await time(async () => {
    for await (const { type } of execution.follow()) if (type === "event") events++;
  });
  await journal.close();
  return (events / ms) * 1000;
}

export async function benchWorkers() {
  if (spawnSync("nats-server", ["--version"]).status !== 0) {
    console.log("\nWorkers: nats-server is not there");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "geppetto-bench-"));
  const servers = `127.0.0.1:${await freePort()}`;
  const args = ["-js", "-sd", join(folder, "nats"), "-a", "127.0.0.1", "-p", servers.split(":")[1]];
  const server = spawn("nats-server", args, { stdio: "ignore" });
  const memory = new MemoryJournal();
  const file = await SqliteJournal.open(join(folder, "executions.db"));
  let remote;
  while (remote === undefined) remote = await NatsJournal.open({ servers }).catch(() => undefined);
  try {
    const [ops, atOnce, events] = [scaled(500), scaled(5_000), scaled(20_000)];
    const ways = {
      "Ops with an effect, one after the other": [ops, `for (let i = 0; i < ${ops}; i++) await pay(i);`],
      "Ops with an effect, 100 at a time": [
        atOnce,
        `for (let i = 0; i < ${atOnce / 100}; i++) await Promise.all(Array.from({ length: 100 }, (_, n) => pay(n)));`,
      ],
      "Events of a run, kept for followers": [events, `for await (const _ of stream.stream(${events}));`],
    };
    for (const [title, [count, code]] of Object.entries(ways)) {
      const peers = {};
      for (const [name, journal] of Object.entries({
        MemoryJournal: memory,
        SqliteJournal: file,
        NatsJournal: remote,
      })) {
        peers[name] = async () => {
          const { ms, cpuMs } = await runLasting(journal, code, { keepEvents: true });
          return { value: (count / ms) * 1000, cpuMicros: (cpuMs / count) * 1000 };
        };
      }
      printTable(`${title}, over NATS`, "per second", await compare(peers));
    }
    const workers = {};
    for (const count of [1, 2, 4]) workers[`${count} workers`] = () => jobsPerSecond(servers, count);
    const reuse = ["--reuse", "tenant"];
    for (const count of [1, 2, 4]) workers[`${count} workers, --reuse`] = () => jobsPerSecond(servers, count, reuse);
    printTable("Jobs that wait 200 ms, one at a time on each worker", "per second", await compare(workers));
    printTable("Events to a follower", "per second", await compare({ follower: () => eventsPerSecond({ servers }) }));
  } finally {
    await Promise.all([memory.close(), file.close(), remote.close()]);
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}
