import { execFileSync, fork } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Cassette, recordingProvider, replayingProvider, type ChatRecording } from "../../src/recordings/index.ts";
import { partOf } from "../machine/part-of.ts";
import { patience } from "../machine/patience.ts";
import { collect, ask, END, open, place, Scripted, useFolder } from "./cassette-fixture.ts";

useFolder();

const PROGRAMS = partOf(100);

describe("The file of a cassette", () => {
  it("has a request that is recorded anew leave its old answers behind, and keeps the others", async () => {
    for (const delta of ["old", "new"]) {
      const cassette = await open();
      const recording = recordingProvider(new Scripted([{ type: "text", delta }, END]), cassette);
      await collect(recording, ask("changing"));
      if (delta === "old") await collect(recording, ask("staying"));
      await cassette.close();
    }
    const { recordings } = await open();
    expect((recordings as ChatRecording[]).map(({ chunks }) => (chunks[0] as { delta: string }).delta)).toEqual([
      "old",
      "new",
    ]);
  });

  it("loses nothing when two processes record into one file, or are killed", async () => {
    const child = fileURLToPath(new URL("writing-child.ts", import.meta.url));
    const children = ["one", "two"].map((name) => fork(child, ["cassette", place.file, name, "30"]));
    const codes = await Promise.all(children.map((process) => new Promise((resolve) => process.once("exit", resolve))));
    expect(codes).toEqual([0, 0]);
    const asked = (await open()).recordings.map(
      ({ request }) => (request["messages"] as { content: string }[])[0]!.content,
    );
    expect(asked.length).toBe(60);
    for (const name of ["one", "two"])
      expect(asked.filter((text) => text.startsWith(name))).toEqual(
        Array.from({ length: 30 }, (_, i) => `${name}${i}`),
      );

    const killed = fork(child, ["cassette", place.file, "three", "1000"]);
    await expect.poll(() => readFileSync(place.file, "utf8").includes("three10")).toBe(true);
    killed.kill("SIGKILL");
    await new Promise((resolve) => killed.once("exit", resolve));
    const cassette = await open();
    expect(cassette.recordings.length).toBeGreaterThanOrEqual(70);
    // Its lock, where it left one, is taken over.
    await collect(recordingProvider(new Scripted([END]), cassette), ask("after"));
    await cassette.close();
    expect(existsSync(`${place.file}.lock`)).toBe(false);
    expect(place.log).toEqual([]);
  });

  it.each([
    ["{", "it is not JSON"],
    ['{"format":"other"}', "it is not a cassette"],
    ['{"format":"geppetto-cassette/1"}', "it has no list of recordings"],
    ['{"format":"geppetto-cassette/3"}\n{"x":1}\n', "a newer version of geppetto-js made it"],
    ['{\n  "format": "geppetto-cassette/12",\n  "recordings": []\n}\n', "a newer version of geppetto-js made it"],
    ["[".repeat(200_000), "it is nested more than 250 deep"],
    [`{"format":"geppetto-cassette/1","recordings":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, "it is nested more"],
  ])("is left as it is where it cannot be used: %.50j", async (text, why) => {
    writeFileSync(place.file, text);
    await expect(open()).rejects.toMatchObject({
      name: "ReplayError",
      code: "ERR_CASSETTE",
      message: expect.stringContaining(`Cannot use the cassette chat.cassette.json: ${why}`),
    });
    expect(readFileSync(place.file, "utf8")).toBe(text);
    expect(readdirSync(place.folder)).toEqual(["chat.cassette.json"]);
  });

  it("is refused by its size before it is read", async () => {
    writeFileSync(place.file, "");
    truncateSync(place.file, 64_000_001);
    await expect(open()).rejects.toMatchObject({ message: expect.stringContaining("it is larger than 64 MB") });
  });

  it("leaves out a damaged recording, keeps its line, and serves the others", async () => {
    const cassette = await open();
    const recording = recordingProvider(new Scripted([{ type: "text", delta: "x" }, END]), cassette);
    await collect(recording, ask("good"));
    await collect(recording, ask("bad"));
    await cassette.close();
    const lines = readFileSync(place.file, "utf8").split("\n");
    const bad = JSON.parse(lines[2]!) as { chunks: unknown[] };
    bad.chunks.pop();
    lines[2] = JSON.stringify(bad);
    writeFileSync(place.file, [...lines.slice(0, 3), `{"a":${"[".repeat(300)}`, ""].join("\n"));
    const reopened = await open();
    expect(reopened.recordings).toHaveLength(1);
    expect(place.log).toEqual([
      'Skipping 2 damaged recordings of chat.cassette.json: line 3: it is complete, but its last chunk is not "end"',
    ]);
    await expect(collect(replayingProvider(reopened), ask("bad"))).rejects.toMatchObject({ code: "ERR_REPLAY_MISS" });
    await collect(recordingProvider(new Scripted([END]), reopened), ask("good"));
    await reopened.close();
    expect(readFileSync(place.file, "utf8")).toContain(lines[2]);
  });

  it("has an answer on the disk before whoever asked gets its end", async () => {
    await using cassette = await open();
    const recording = recordingProvider(new Scripted([{ type: "text", delta: "x" }, END]), cassette);
    for await (const chunk of recording.stream(ask("now"), { signal: new AbortController().signal })) {
      const isThere = existsSync(place.file) && readFileSync(place.file, "utf8").includes('"now"');
      expect([chunk.type, isThere]).toEqual([chunk.type, chunk.type === "end"]);
    }
    expect(statSync(place.file).mode & 0o777).toBe(0o600);
  });

  it("is brought from the earlier format into this one, with what it had", async () => {
    const cassette = Cassette.inMemory();
    await collect(recordingProvider(new Scripted([{ type: "text", delta: "old" }, END]), cassette), ask("old"));
    const earlier = { format: "geppetto-cassette/1", recordings: cassette.recordings };
    writeFileSync(place.file, `${JSON.stringify(earlier, null, 2)}\n`, { mode: 0o644 });
    const reopened = await open();
    expect(reopened.recordings).toEqual(cassette.recordings);
    await collect(recordingProvider(new Scripted([END]), reopened), ask("new"));
    await reopened.close();
    const lines = readFileSync(place.file, "utf8").trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { id?: string }).id === undefined)).toEqual([true, false, false]);
    expect((await open()).recordings.map(({ request }) => request["messages"])).toEqual([
      [{ role: "user", content: "old" }],
      [{ role: "user", content: "new" }],
    ]);
    expect(statSync(place.file).mode & 0o777).toBe(0o600);
  });

  it("goes on behind the line that a killed writer began", async () => {
    const first = await open();
    await collect(recordingProvider(new Scripted([END]), first), ask("whole"));
    appendFileSync(place.file, '{"id":"torn","recor');
    await collect(recordingProvider(new Scripted([END]), first), ask("next"));
    expect(readFileSync(place.file, "utf8")).not.toContain("torn");
    expect((await open()).recordings).toHaveLength(2);
    expect(place.log).toEqual([]);
  });

  it.skipIf(process.platform === "win32")("is never written through a link, nor waited for as a pipe", async () => {
    const target = join(place.folder, "target");
    writeFileSync(target, "");
    symlinkSync(target, place.file);
    await expect(open()).rejects.toThrow("it is a link");
    await rm(place.file);
    linkSync(target, place.file);
    await expect(open()).rejects.toThrow("it is another name of a file, a hard link");
    await rm(place.file);
    execFileSync("mkfifo", [place.file]);
    await expect(open()).rejects.toThrow("it is not a regular file");
    expect(readFileSync(target, "utf8")).toBe("");
  });

  it("is not made and not changed when it is only replayed", async () => {
    await (await open({ readOnly: true })).close();
    expect(existsSync(place.file)).toBe(false);
    const recorded = await open();
    await collect(recordingProvider(new Scripted([END]), recorded), ask("a"));
    appendFileSync(place.file, "damaged\n");
    const before = readFileSync(place.file, "utf8");
    const replayed = await open({ readOnly: true });
    await collect(replayingProvider(replayed), ask("a"));
    await replayed.close();
    expect(readFileSync(place.file, "utf8")).toBe(before);
    expect(readdirSync(place.folder)).toEqual(["chat.cassette.json"]);
  });

  it("lets the run go on when it cannot be written, says so once and keeps the reason", async () => {
    const folder = join(place.folder, "other");
    const cassette = await Cassette.open(join(folder, "x.cassette.json"), {
      logger: { warn: (text) => void place.log.push(text), error: () => {} },
    });
    rmdirSync(folder);
    writeFileSync(folder, "");
    const recording = recordingProvider(new Scripted([END]), cassette);
    await collect(recording, ask("a"));
    await collect(recording, ask("b"));
    await cassette.close();
    expect(place.log).toEqual([
      expect.stringMatching(/^Cannot write the recordings to x\.cassette\.json: (EEXIST|ENOTDIR)$/),
    ]);
    expect(cassette.failure).toMatch(/^(EEXIST|ENOTDIR)$/);
    await rm(folder);
    await cassette.close();
    expect([cassette.failure, readFileSync(join(folder, "x.cassette.json"), "utf8").split("\n").length]).toEqual([
      undefined,
      4,
    ]);
  });

  it(
    `keeps every answer of ${PROGRAMS} programs that are killed at random moments`,
    async () => {
      const child = fileURLToPath(new URL("writing-child.ts", import.meta.url));
      const written = new Set<string>();
      let next = 0;
      const killOne = async (): Promise<void> => {
        while (next < PROGRAMS) {
          const killed = fork(child, ["cassette", place.file, `k${next++}-`, "1000"]);
          const first = new Promise((resolve) => killed.once("message", resolve));
          killed.on("message", (text: string) => written.add(text));
          await first;
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
          killed.kill("SIGKILL");
          await new Promise((resolve) => killed.once("exit", resolve));
        }
      };
      await Promise.all(Array.from({ length: 5 }, killOne));
      const kept = new Set(
        (await open()).recordings.map(({ request }) => (request["messages"] as { content: string }[])[0]!.content),
      );
      expect([...written].filter((text) => !kept.has(text))).toEqual([]);
      expect(written.size).toBeGreaterThanOrEqual(PROGRAMS);
      expect(place.log).toEqual([]);
    },
    patience(240_000),
  );
});
