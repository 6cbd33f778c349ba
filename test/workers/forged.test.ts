/** What somebody writes into the server's streams and buckets who can reach it: it hurts nothing but what it names. */
import { createHash } from "node:crypto";
import { jetstream, type JetStreamClient } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NatsJournal, openExecution, queuedExecutions } from "../../src/workers/index.ts";
import { JobQueue } from "../../src/workers/queue/job-queue.ts";
import type { Job } from "../../src/workers/queue/job.ts";
import { hasNatsServer } from "../events/nats-server.ts";
import { all, code } from "../journal/executions/journal-fixture.ts";
import { isTaken } from "../machine/part-of.ts";
import { patience } from "../machine/patience.ts";
import { follow, WorkerFixture } from "./worker-fixture.ts";

const DEEP = "[".repeat(100_000) + "]".repeat(100_000);
const HUGE = "x".repeat(900_000);
const GARBAGE = ["", "{", "null", "[]", "5", '"text"', '{"__proto__":{"a":1}}', DEEP, HUGE, "\u0000\u001b[31m"];

const ROW = {
  id: "forged",
  state: "running",
  script: "a.js",
  tenant: null,
  attempt: 1,
  fence: 1,
  created_at: 1,
  updated_at: 1,
  waits_for: "[]",
  due_at: null,
  exit_code: null,
  error: null,
  holder: null,
  session: "s",
  first_seq: 1,
  last_seq: 0,
  bytes: 0,
  order: 1,
  details_at: 0,
  answered: [],
  taken: [],
};

/** A message of a log. */
function message(head: unknown, body = ""): Buffer {
  const text = Buffer.from(typeof head === "string" ? head : JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, Buffer.from(body)]);
}

const whole = (row: object): object => ({ write: "w", parts: 1, part: 1, row });
const waiting = (waits: string): Buffer => message(whole({ ...ROW, state: "suspended", waits_for: waits }));

/** Last messages of logs that nobody can read, by what is wrong with them. */
const LOGS: [string, Uint8Array][] = [
  ...GARBAGE.map((text): [string, Uint8Array] => [`the text ${text.slice(0, 20)}`, Buffer.from(text)]),
  ...GARBAGE.map((text): [string, Uint8Array] => [`the head ${text.slice(0, 20)}`, message(text)]),
  ["a length beyond its end", Buffer.from([255, 255, 255, 255, 1])],
  ["the row of another one", message(whole({ ...ROW, id: "good" }))],
  ["no part", message({ ...whole(ROW), part: 2 })],
  ["a part below the first", message({ ...whole(ROW), part: 0 })],
  ["more parts than there can be", message({ ...whole(ROW), parts: 1e9 })],
  ["a state that there is not", message(whole({ ...ROW, state: "paused" }))],
  ...Object.keys(ROW).flatMap((name, k) =>
    [{}, "x", -1.5, "__proto__", undefined].flatMap((value, i): [string, Uint8Array][] =>
      fits(name, value) || !isTaken(k + i, 3)
        ? []
        : [[`${name} ${JSON.stringify(value)}`, message(whole({ ...ROW, [name]: value }))]],
    ),
  ),
  ["waits that are no JSON", waiting("[")],
  ["waits that are nested deeply", waiting(`[{"kind":"approve","number":1,"data":${DEEP}}]`)],
  ["a wait of no kind", waiting('[{"kind":"pause","number":1}]')],
  ["a question that is no text", waiting('[{"kind":"approve","number":1,"question":{}}]')],
  ["a time that is none", waiting('[{"kind":"sleep","number":1,"dueAt":"never"}]')],
];

/** Is it one that this may have? */
function fits(name: string, value: unknown): boolean {
  if (name === "id" || name === "state" || name === "waits_for") return false;
  if (typeof value === "string") return ["script", "tenant", "error", "holder", "session"].includes(name);
  return typeof value === "number" && ["created_at", "updated_at", "due_at", "exit_code", "order"].includes(name);
}

let at: WorkerFixture;
let connection: NatsConnection;
let client: JetStreamClient;
let queue: JobQueue;
let journal: NatsJournal;
const warned: string[] = [];

const logger = { warn: (text: string) => void warned.push(text), error: (text: string) => void warned.push(text) };

/** A job of this source, which is in the queue. */
async function enqueue(id: string, source: string, tenant = "default"): Promise<void> {
  const parts = { id, source, script: "a.js", tenant, pool: "default", args: [], env: {}, submittedAt: 0, trace: {} };
  await queue.submitted.put(id, JSON.stringify(parts satisfies Job));
  await queue.push(parts, "x");
}

async function isSound(): Promise<void> {
  expect(await (await at.submit("export default 7")).outcome).toMatchObject({ ok: true, value: 7 });
}

async function isDone(): Promise<void> {
  await expect.poll(async () => queue.waiting("default"), { timeout: patience(30_000) }).toEqual(new Map());
}

describe.skipIf(!hasNatsServer)("What is forged", () => {
  beforeEach(async () => {
    warned.length = 0;
    at = await WorkerFixture.start();
    connection = await connect({ servers: at.server.address });
    client = jetstream(connection);
    queue = await JobQueue.open(at.nats);
    journal = await NatsJournal.open(at.nats);
  });
  afterEach(async () => {
    await connection.close();
    await journal.close();
    await queue[Symbol.asyncDispose]();
    await at[Symbol.asyncDispose]();
  });

  it("as the log of an execution is an error of that one, which can be ended", async () => {
    const good = await journal.begin("good", { script: "good.js" });
    await good.append([{ kind: "note", text: "a" }], { state: "completed" });
    for (const [name, bytes] of LOGS) {
      await client.publish("geppetto.execution.log.forged", bytes);
      const found = await all(journal.list());
      expect(found.map(({ id }) => id).sort(), name).toEqual(["forged", "good"]);
      expect(
        found.find(({ id }) => id === "forged"),
        name,
      ).toMatchObject({ isDamaged: true });
      expect(await journal.get("forged"), name).toMatchObject({ isDamaged: true });
      await expect(journal.resume("forged"), name).rejects.toEqual(code("ERR_JOURNAL"));
      await journal.send("forged", "word").catch((error: unknown) => expect(error, name).toEqual(code("ERR_JOURNAL")));
      await journal.cancel("forged");
      expect(await journal.get("forged"), name).toMatchObject({ state: "failed" });
      expect((await all(journal.follow("good"))).length).toBe(1);
    }
    await client.publish("geppetto.execution.log.forged", "garbage");
    await expect(all(journal.follow("forged"))).rejects.toEqual(code("ERR_JOURNAL"));
    // Of a name that no execution has.
    await client.publish("geppetto.execution.log.\u001b[31mred", message(whole({ ...ROW, id: "\u001b[31mred" })));
    expect((await all(journal.list())).map(({ id }) => id).sort()).toEqual(["forged", "good"]);
  });

  it("as what an execution was begun with, or as records, is an error of that one", async () => {
    await at.worker({ logger });
    const { seq } = await client.publish("geppetto.execution.begin.deep", `{"a":${DEEP}}`);
    await client.publish("geppetto.execution.log.deep", message(whole({ ...ROW, id: "deep", details_at: seq })));
    expect(await journal.get("deep")).toMatchObject({ isDamaged: true, details: {} });
    const bodies = [HUGE, message([]), message('[["a",-5]]'), message('[["a",5e9]]'), message("[[1,0]]"), message("{")];
    for (const [i, body] of bodies.entries()) {
      const id = `body${i}`;
      const head = message(whole({ ...ROW, id, last_seq: i % 2 === 0 ? 1 : Number.MAX_SAFE_INTEGER }));
      await client.publish(`geppetto.execution.log.${id}`, Buffer.concat([head, Buffer.from(body)]));
      await expect(all(journal.records(id)), id).rejects.toEqual(code("ERR_JOURNAL"));
    }
    const kinds = [
      "begin",
      "attempt",
      "event",
      "output",
      "suspend",
      "end",
      "call",
      "answer",
      "intent",
      "deliver",
      "turn",
    ];
    const texts = ["", "null", '{"step":5}', DEEP];
    const { source } = (await queue.job((await at.submit("1", { pool: "nobody" })).id))!;
    const ids: string[] = [];
    for (const [k, kind] of kinds.entries()) {
      for (const [i, text] of texts.entries()) {
        if (!isTaken(k + i, 3)) continue;
        const id = `${kind}${i}`;
        const lease = await journal.begin(id, { script: "a.js", tenant: "default", details: { source } });
        await lease.append([{ kind, text }]);
        if (kind === "end") await lease.append([], { state: "completed" });
        await lease.release();
        ids.push(id);
        if (!["attempt", "event", "output", "suspend", "end"].includes(kind)) continue;
        await using execution = await openExecution(id, at.nats);
        const stop = new AbortController();
        const items = execution.follow({ signal: stop.signal });
        await expect(items.next(), id).rejects.toEqual(code("ERR_JOURNAL"));
      }
    }
    for (const id of ids) await enqueue(id, source);
    await isDone();
    for (const id of ids)
      expect(await journal.get(id), id).toMatchObject({ state: id.startsWith("end") ? "completed" : "failed" });
    await isSound();
  });

  it("as what an execution is told is dropped, or an error of that one", async () => {
    await at.worker({ logger });
    const ask = `export default (await execution.approve("Go on?")).note;`;
    const sound = await at.submit(ask, { id: "sound" });
    const hurt = await at.submit(ask, { id: "hurt" });
    const state = async (id: string): Promise<string | undefined> => (await journal.get(id))?.state;
    for (const { id } of [sound, hurt])
      await expect.poll(() => state(id), { timeout: patience(20_000) }).toBe("suspended");
    const tell = async (subject: string, text: string, ...fields: [string, string][]): Promise<void> => {
      const given = headers();
      for (const [name, value] of fields) given.set(name, value);
      await client.publish(`geppetto.execution.told.${subject}`, text, fields.length === 0 ? {} : { headers: given });
    };
    for (const text of GARBAGE) {
      await tell("sound.send", text);
      await tell("sound.send", text, ["Geppetto-Kind", "send"], ["Geppetto-Name", "%E0%A4%A"]);
      await tell("sound.1", text, ["Geppetto-Kind", "pause"]);
      await tell("sound.1e9", text, ["Geppetto-Kind", "approve"]);
      await tell("sound.cancel", text, ["Geppetto-Kind", "send"]);
      await tell("none.1", text, ["Geppetto-Kind", "approve"]);
      await tell("\u001b.1", text, ["Geppetto-Kind", "approve"]);
      await tell("sound.more.levels", text);
    }
    await tell("hurt.1", '{"approved":"yes"}', ["Geppetto-Kind", "approve"]);
    expect((await hurt.outcome).error).toMatchObject({
      code: "ERR_JOB_LOST",
      message: expect.stringMatching(/message \d+ to the execution hurt is damaged/) as string,
    });
    expect((await all(journal.list())).length).toBe(2);
    await journal.approve("sound", { approved: true, by: "ann", note: "fine" });
    expect(await sound.outcome).toMatchObject({ ok: true, value: "fine" });
  });

  it("as a job is dropped, and leaves the queue to others", async () => {
    const model = (await queue.job((await at.submit("1", { pool: "nobody" })).id))!;
    const jobs = [
      { ...model, id: "other" },
      { ...model, pool: "a.b" },
      { ...model, tenant: ">" },
      { ...model, env: { A: 5 } },
      { ...model, source: "../../etc/passwd" },
      { ...model, permissions: { env: true } },
      { ...model, args: [HUGE] },
    ].map((job) => JSON.stringify({ ...job, ...(job.id === model.id ? { id: "forged" } : {}) }));
    for (const [i, text] of [...GARBAGE, ...jobs].entries()) {
      await queue.submitted.put("forged", text);
      await client.publish("geppetto.job.default.default", "forged");
      expect((await all(queuedExecutions(at.nats))).length, text.slice(0, 40)).toBe(1);
      if (i === 0) await at.worker({ logger });
      await isDone();
      expect(await queue.submitted.get("forged"), text.slice(0, 40)).toBeNull();
    }
    for (const text of [...GARBAGE, "a b", "unknown"]) await client.publish("geppetto.job.default.default", text);
    for (const tenant of ["a$b", "\u001b", "\u00e4"]) await client.publish(`geppetto.job.default.${tenant}`, "x");
    await isDone();
    expect(warned.join("")).not.toContain("\u001b");
    await isSound();
  });

  it("as a source is an error of what is made of it", async () => {
    await at.worker({ logger });
    const { sources } = queue;
    const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
    const meta = (hash: string): string => `$O.geppetto_sources.M.${Buffer.from(hash).toString("base64url")}==`;
    const wrong: string[] = [];
    const shapes = ['{"code":5}', '{"code":"1","name":"a","kind":"x","lineOffset":0}', "[[]]"];
    for (const text of [...GARBAGE, ...shapes]) {
      if (text !== "") await sources.putBlob({ name: hashOf(text) }, Buffer.from(text));
      wrong.push(hashOf(text));
      const forged = hashOf(`meta ${text}`);
      await client.publish(meta(forged), text);
      wrong.push(forged);
    }
    const other = hashOf("other bytes");
    await sources.putBlob({ name: other }, Buffer.from("these bytes"));
    const object = {
      name: other,
      bucket: "geppetto_sources",
      nuid: "none",
      size: 1e12,
      chunks: 1e6,
      digest: "SHA-256=x",
    };
    const missing = hashOf("missing");
    await client.publish(meta(missing), JSON.stringify({ ...object, name: missing }));
    const wild = hashOf("wild");
    await client.publish(meta(wild), JSON.stringify({ ...object, name: wild, nuid: ">" }));
    const link = hashOf("link");
    await client.publish(
      meta(link),
      JSON.stringify({ name: link, options: { link: { bucket: "geppetto_sources", name: link } } }),
    );
    wrong.push(other, missing, wild, link);
    for (const [i, hash] of wrong.entries()) await enqueue(`source${i}`, hash);
    await isDone();
    for (const [i] of wrong.entries())
      expect((await journal.get(`source${i}`))?.error, String(i)).toMatch(/its source is (gone|not)/);
    // What is stored under its hash already, and is something else.
    const { source } = (await queue.job((await at.submit("export default 8", { pool: "nobody" })).id))!;
    await sources.putBlob({ name: source }, Buffer.from("something else"));
    expect(await (await at.submit("export default 8")).outcome).toMatchObject({ ok: true, value: 8 });
  });

  it("in the buckets of timers, attempts, workers and what was spent hurts no other one", async () => {
    const budgets = { "*": { maxCalls: 5 } };
    const sleeper = `await execution.sleep(300); export default 1;`;
    for (const [i, text] of GARBAGE.entries()) {
      await queue.timers.put(`timer${i}`, text);
      await queue.attempts.put(`attempt${i}`, text);
      await queue.workers.put(`default.w${i}`, text);
      await queue.budgets.put(`tenant${i}`, text);
      await queue.timers.put(`forged${i}`, "1");
      await queue.submitted.put(`forged${i}`, text);
      const lease = await journal.begin(`forged${i}`, { script: "a.js" });
      await lease.release({ state: "suspended", waitsFor: [{ kind: "sleep", number: 1, dueAt: 1 }] });
      await client.publish(`$KV.geppetto_timers.a.b.${i}.\u00e4`, "1");
    }
    for (const [i, text] of ['[{"worker":5}]', '[null,{"seq":"x"}]', '[{"worker":"w","seq":1e999}]'].entries())
      await queue.attempts.put(`attempt${GARBAGE.length + i}`, text);
    for (const text of ['{"calls":-1,"tokens":0,"cost":0}', '{"calls":"0"}'])
      await queue.budgets.put(`tenant${text.length}`, text);
    const many = Array.from({ length: GARBAGE.length + 3 }, (_, i) => at.submit(sleeper, { id: `attempt${i}` }));
    await at.worker({ logger, budgets, name: "w1" });
    for (const execution of await Promise.all(many)) expect(await execution.outcome).toMatchObject({ ok: true });
    const ask = `export default await chat("echo: a").catch((error) => error.code)`;
    for (const [i] of GARBAGE.entries())
      expect((await (await at.submit(ask, { tenant: `tenant${i}` })).outcome).value, String(i)).toBe("ERR_JOURNAL");
    expect((await (await at.submit(ask, { tenant: "honest" })).outcome).value).toBe("a");
    expect((await follow(await at.submit(sleeper))).at(-1)).toMatchObject({ type: "end", outcome: { ok: true } });
  });
});
