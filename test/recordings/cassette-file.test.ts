import { fork } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Cassette, recordingProvider, replayingProvider, type ChatRecording } from "../../src/recordings/index.ts";
import { collect, ask, END, open, place, Scripted, useFolder } from "./cassette-fixture.ts";

useFolder();

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

  it("sets aside a file that is none, and goes on", async () => {
    for (const [text, why] of [
      ["{", /it is not JSON/],
      ['{"format":"other"}', /not a cassette of this version/],
      ['{"format":"geppetto-cassette/1"}', /no list of recordings/],
    ] as const) {
      writeFileSync(place.file, text);
      const cassette = await open();
      expect(cassette.recordings).toEqual([]);
      expect(place.log.at(-1)).toMatch(/^Renaming chat\.cassette\.json as chat\.cassette\.json\.corrupt-\d+: /);
      expect(place.log.at(-1)).toMatch(why);
      expect(existsSync(place.file)).toBe(false);
    }
    expect(readdirSync(place.folder).length).toBeGreaterThan(0);
  });

  it("leaves out a damaged recording, keeps a copy, and serves the others", async () => {
    const cassette = await open();
    const recording = recordingProvider(new Scripted([{ type: "text", delta: "x" }, END]), cassette);
    await collect(recording, ask("good"));
    await collect(recording, ask("bad"));
    await cassette.close();
    const content = JSON.parse(readFileSync(place.file, "utf8")) as { recordings: { chunks: unknown[] }[] };
    content.recordings[1]!.chunks.pop();
    writeFileSync(place.file, JSON.stringify(content));
    const reopened = await open();
    expect(reopened.recordings).toHaveLength(1);
    expect(place.log[0]).toMatch(
      /^Skipping 1 damaged recordings of chat\.cassette\.json: recordings\[1\]: .*the whole file is kept as chat\.cassette\.json\.corrupt-\d+$/,
    );
    await expect(collect(replayingProvider(reopened), ask("bad"))).rejects.toMatchObject({ code: "ERR_REPLAY_MISS" });
  });

  it("lets the run go on when it cannot be written, and says so once", async () => {
    writeFileSync(join(place.folder, "file"), "");
    place.file = join(place.folder, "file", "x.cassette.json");
    const cassette = await Cassette.open(join(place.folder, "other", "x.cassette.json"), {
      logger: { warn: (text) => void place.log.push(text), error: () => {} },
    });
    writeFileSync(join(place.folder, "other"), "");
    const recording = recordingProvider(new Scripted([END]), cassette);
    await collect(recording, ask("a"));
    await cassette.close();
    await collect(recording, ask("b"));
    await cassette.close();
    expect(place.log).toEqual([
      expect.stringMatching(/^Cannot write the recordings to x\.cassette\.json: (EEXIST|ENOTDIR)$/),
    ]);
  });
});
