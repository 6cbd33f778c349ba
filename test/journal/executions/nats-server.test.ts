/** What a journal on a server promises beyond what all journals do. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NatsJournal } from "../../../src/journal/executions/nats/nats-journal.ts";
import type { NatsJournalOptions } from "../../../src/journal/executions/nats/nats-options.ts";
import { hasNatsServer, NatsServer } from "../../events/nats-server.ts";
import { patience } from "../../machine/patience.ts";
import { all, code, record, texts } from "./journal-fixture.ts";

let server: NatsServer;
const open: NatsJournal[] = [];
const children: ChildProcess[] = [];

async function journalOf(options: NatsJournalOptions = {}): Promise<NatsJournal> {
  const journal = await NatsJournal.open({ servers: server.address, ...options });
  open.push(journal);
  return journal;
}

/** Another process that begins an execution, and says what becomes of what it writes. */
async function startWriter(id: string): Promise<{ child: ChildProcess; next(): Promise<string> }> {
  const writer = fileURLToPath(new URL("nats-writing-child.ts", import.meta.url));
  const child = spawn(process.execPath, [writer, server.address, id], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  expect(await next()).toBe("begun");
  return { child, next };
}

describe.skipIf(!hasNatsServer)("A journal on a NATS server", () => {
  beforeEach(async () => {
    server = await NatsServer.start();
  });

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await Promise.all(open.splice(0).map((journal) => journal.close()));
    await server.stop();
  });

  it("says which server does not answer", async () => {
    await server.kill();
    await expect(journalOf()).rejects.toEqual(code("ERR_NATS"));
    await expect(journalOf()).rejects.toThrow(`Cannot connect to NATS at ${server.address}`);
  });

  it("refuses names that no stream can have", async () => {
    await expect(journalOf({ prefix: "a.b" })).rejects.toEqual(code("ERR_CONFIG"));
  });

  it("refuses what can never be a server, and credentials that are not there", async () => {
    const unfit = ["", "a..b", "http://a", "a:0x1", "a:99999", "a b", "nats://", "a/b", ["127.0.0.1:1", "?"]];
    for (const servers of unfit)
      await expect(journalOf({ servers }), String(servers)).rejects.toEqual(code("ERR_CONFIG"));
    await expect(journalOf({ credentials: "/none/such" })).rejects.toEqual(code("ERR_CONFIG"));
    for (const servers of ["[::1]:1", "nats://u:p@127.0.0.1:1", "tls://127.0.0.1:1/", ["127.0.0.1:1", "localhost.:1"]])
      await expect(journalOf({ servers }), String(servers)).rejects.toEqual(code("ERR_NATS"));
  });

  it("keeps each record once while the server is killed again and again", async () => {
    const journal = await journalOf();
    const lease = await journal.begin("one", { script: "a.js" });
    const expected = Array.from({ length: 300 }, (_, i) => String(i));
    for (const [i, text] of expected.entries()) {
      // In the middle of what is under way.
      const restarted = i % 50 === 25 ? server.restart(20) : undefined;
      await lease.append([record(text)]);
      await restarted;
    }
    expect(await texts(journal.records("one"))).toEqual(expected);
  });

  it("is followed over the end of the server, without gap or double", async () => {
    const journal = await journalOf();
    const peer = await journalOf();
    const lease = await journal.begin("one", { script: "a.js" });
    const following = texts(peer.follow("one"));
    for (let i = 0; i < 60; i++) {
      await lease.append([record(String(i))]);
      if (i % 20 === 10) await server.restart(20);
    }
    await lease.append([], { state: "completed" });
    expect(await following).toEqual(Array.from({ length: 60 }, (_, i) => String(i)));
  });

  it("is read from any number on at once, also where a write has many parts", async () => {
    const journal = await journalOf();
    const lease = await journal.begin("one", { script: "a.js" });
    for (let i = 0; i < 40; i++)
      await lease.append(Array.from({ length: 20 }, (_, n) => record(String(i * 20 + n + 1))));
    const large = Array.from({ length: 5 }, () => record("x".repeat(1_500_000), "large"));
    await lease.append(large);
    await lease.append([record("last")]);
    for (const from of [1, 300, 500, 799, 800]) {
      const found = await all(journal.records("one", from));
      expect([found[0]!.seq, found[0]!.text, found.length]).toEqual([from, String(from), 806 - from + 1]);
    }
    for (const from of [801, 803, 806]) expect((await all(journal.records("one", from)))[0]!.seq).toBe(from);
  });

  it("that is full is a limit, and can still be read", async () => {
    const journal = await journalOf({ maxBytes: 3_000_000 });
    const lease = await journal.begin("one", { script: "a.js" });
    let kept = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        await lease.append([record("x".repeat(200_000))]);
        kept++;
      }
    };
    await expect(fill()).rejects.toEqual(code("ERR_JOURNAL_LIMIT"));
    expect(kept).toBeGreaterThan(5);
    expect((await all(journal.records("one"))).length).toBe(kept);
    await lease.restart([record("anew")]);
    await expect.poll(() => lease.append([record("x".repeat(200_000))]).then(() => "kept", String)).toBe("kept");
  });

  it("whose server has come back without what it kept says so", async () => {
    const journal = await journalOf({ patienceMs: 500 });
    const lease = await journal.begin("one", { script: "a.js" });
    await server.kill();
    server.empty();
    await server.revive();
    await expect(lease.append([record("a")])).rejects.toEqual(code("ERR_JOURNAL"));
    const again = await journalOf();
    expect(await again.get("one")).toBeUndefined();
    await again.begin("one", { script: "a.js" });
  });

  it("of a newer version is refused", async () => {
    const { connect } = await import("@nats-io/transport-node");
    const { jetstreamManager } = await import("@nats-io/jetstream");
    await using connection = {
      nats: await connect({ servers: server.address }),
      [Symbol.asyncDispose]: () => connection.nats.close(),
    };
    const manager = await jetstreamManager(connection.nats);
    await manager.streams.add({ name: "geppetto_executions", description: "geppetto-js executions, format 99" });
    await expect(journalOf()).rejects.toEqual(code("ERR_JOURNAL_VERSION"));
  });

  it("gives what a killed process held to others at once", async () => {
    const { child, next } = await startWriter("one");
    child.stdin!.write("a\n");
    expect(await next()).toBe("kept a");
    const journal = await journalOf({ silenceMs: 2000 });
    await expect(journal.resume("one")).rejects.toThrow(`process ${child.pid}`);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await journal.get("one")).not.toHaveProperty("holder");
    const lease = await journal.resume("one");
    await lease.append([record("b")]);
    expect(await texts(lease.records())).toEqual(["a", "b"]);
  });

  it("takes nothing from a process that was stopped for too long", async () => {
    const { child, next } = await startWriter("one");
    const journal = await journalOf({ silenceMs: 2000 });
    await expect(journal.resume("one")).rejects.toEqual(code("ERR_EXECUTION_RUNNING"));
    child.kill("SIGSTOP");
    await expect.poll(() => journal.resume("one"), { timeout: patience(15_000) }).toMatchObject({ attempt: 2 });
    child.kill("SIGCONT");
    child.stdin!.write("a\n");
    // Which one it hears first depends on its heartbeat.
    expect([await next(), await next()].sort()).toEqual(["ERR_EXECUTION_FENCED", "lost ERR_EXECUTION_FENCED"]);
    expect(await texts(journal.records("one"))).toEqual([]);
    expect(await journal.get("one")).toMatchObject({ attempt: 2, holder: { pid: process.pid } });
  });
});
