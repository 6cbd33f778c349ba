import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EnginePool, GeppettoError, RuntimeEngine, setupDefaults, type PermissionUse } from "../../src/index.ts";
import { Permissions } from "../../src/permissions/permissions.ts";
import { ISOLATIONS, Output, withEngine } from "../engine/engine-harness.ts";
import { png } from "../images/sample-images.ts";

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "permissions-")));
  writeFileSync(join(folder, "a.png"), png());
  writeFileSync(
    join(folder, "script.js"),
    `new Conversation().addMessageWithImage("user", "x", "a.png"); done(process.env);`,
  );
  process.env["PERMITTED"] = "one";
  process.env["FORBIDDEN"] = "two";
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  delete process.env["PERMITTED"];
  delete process.env["FORBIDDEN"];
});

const ADD = (source: string): string =>
  `try { new Conversation().addMessageWithImage("user", "x", ${JSON.stringify(source)}); } catch (error) { console.log(error.name, error.code, error.message); }`;

describe.each(ISOLATIONS)("a script in a %s", (isolation) => {
  it("uses nothing of its host's where nothing is allowed", () =>
    withEngine({ isolation }, async ({ engine, output }) => {
      const code = `${ADD("a.png")} ${ADD("http://example.com/x.png")} export default { ...process.env };`;
      expect((await engine.runScript({ code, folder })).value).toEqual({});
      expect(output.lines.map((line) => line.split(";")[1])).toEqual([
        " allow it with --allow-read=a.png",
        " allow it with --allow-net=example.com",
      ]);
    }));

  it("uses what is allowed, its paths starting from its own folder", () =>
    withEngine({ isolation, permissions: { read: [folder], env: ["PERMITTED", "UNSET"] } }, async ({ engine }) => {
      const { ok, value } = await engine.runScript({ file: join(folder, "script.js") });
      expect({ ok, value }).toEqual({ ok: true, value: { PERMITTED: "one" } });
    }));

  it("has its host's own env in front of what is allowed", () =>
    withEngine({ isolation, permissions: { env: ["PERMITTED"] } }, async ({ engine }) => {
      const options = { env: { PERMITTED: "own", GIVEN: "too" } };
      expect((await engine.runScript({ code: "export default { ...process.env }" }, options)).value).toEqual({
        PERMITTED: "own",
        GIVEN: "too",
      });
    }));

  it("gets variables and nothing of their prototype, whatever they are called", () =>
    withEngine(
      { isolation, permissions: { env: ["__proto__", "constructor", "toString", "hasOwnProperty", "PERMITTED"] } },
      async ({ engine }) => {
        const code = `export default [Object.keys(process.env), Object.getPrototypeOf(process.env), typeof process.env.constructor]`;
        expect((await engine.runScript({ code })).value).toEqual([["PERMITTED"], null, "undefined"]);
        const given = JSON.parse('{"__proto__": "own", "toString": "text"}') as Record<string, string>;
        const { value } = await engine.runScript(
          { code: `export default [process.env.__proto__, process.env.toString, ({}).own]` },
          { env: given },
        );
        expect(value).toEqual(["own", "text", undefined]);
      },
    ));
});

describe("onPermission()", () => {
  it("hears of each use, granted or denied, without a secret", async () => {
    const uses: PermissionUse[] = [];
    const permissions = { read: [folder], env: ["PERMITTED"], net: ["printer"] };
    await withEngine(
      { isolation: "thread", permissions, onPermission: (use) => uses.push(use) },
      async ({ engine }) => {
        const sources = [
          "a.png",
          "../secret.png",
          "http://printer/x?key=1",
          "https://example.com/p?key=1",
          "http://a.b/",
        ];
        await engine.runScript({ code: sources.map(ADD).join("\n"), name: "look.js", folder });
      },
    );
    const script = "look.js";
    const time = expect.any(Number);
    expect(uses).toEqual([
      { time, script, kind: "env", asked: "PERMITTED", granted: true, rule: "PERMITTED" },
      { time, script, kind: "read", asked: "a.png", file: join(folder, "a.png"), granted: true, rule: folder },
      { time, script, kind: "read", asked: "../secret.png", granted: false, rule: "no rule" },
      { time, script, kind: "net", asked: "http://printer", granted: true, rule: "printer" },
      { time, script, kind: "net", asked: "https://example.com", granted: true, rule: "public https" },
      { time, script, kind: "net", asked: "http://a.b", granted: false, rule: "its URL is not encrypted" },
    ]);
  });

  it("that throws refuses the use", () =>
    withEngine(
      {
        isolation: "thread",
        permissions: { read: [folder] },
        onPermission: () => {
          throw new Error(`the disk ${folder} is full`);
        },
      },
      async ({ engine, output }) => {
        await engine.runScript({ code: ADD("a.png"), folder });
        expect(output.out).toBe("PermissionError ERR_AUDIT Cannot use a.png: the use cannot be noted\n");
      },
    ));

  it("is told whose script it is by a pool", async () => {
    const uses: PermissionUse[] = [];
    await using pool = new EnginePool({
      size: 2,
      isolation: "thread",
      permissions: { read: [folder] },
      onPermission: (use) => uses.push(use),
      console: new Output(),
      setup: [setupDefaults()],
    });
    await Promise.all(["anna", "ben"].map((tenant) => pool.run({ code: ADD("a.png"), folder }, { tenant })));
    expect(uses.map(({ tenant, granted }) => `${tenant} ${granted}`).sort()).toEqual(["anna true", "ben true"]);
  });
});

describe("limits.uses", () => {
  it("bounds how often a script may ask, and the next script starts afresh", () =>
    withEngine(
      { isolation: "thread", permissions: { read: [folder] }, limits: { uses: 3 } },
      async ({ engine, output }) => {
        const code = `for (const path of ["a.png", "../b.png", "https://example.com/", "a.png"]) ${ADD("PATH").replace('"PATH"', "path")}`;
        for (const _ of [1, 2]) await engine.runScript({ code, folder });
        const refused =
          "LimitError ERR_LIMIT_USES The script exceeded the limit of uses of permissions of 3; raise it with limits.uses";
        expect(output.lines.filter((line) => line.startsWith("LimitError"))).toEqual([refused, refused]);
      },
    ));
});

describe("new RuntimeEngine({ permissions })", () => {
  it.each([
    [{ read: "photos" }, "Cannot set permissions.read: expected true or a list of names"],
    [{ read: [""] }, "Cannot set permissions.read"],
    [{ env: [7] }, "Cannot set permissions.env"],
    [{ env: ["A\0B"] }, "Cannot set permissions.env"],
    [{ net: false }, "Cannot set permissions.net"],
    [{ write: true }, "Cannot set permissions.write: the permissions are read, env, net"],
  ])("refuses %j", (permissions, text) => {
    expect(() => new RuntimeEngine({ permissions: permissions as object })).toThrow(
      expect.objectContaining({ name: "ConfigError", message: expect.stringContaining(text) }),
    );
  });

  it("keeps its own copy of what was given", async () => {
    const read: string[] = [];
    const permissions = new Permissions(
      { read },
      { maxUses: 1, onTooMany: () => new GeppettoError("LimitError", "too many") },
    );
    read.push("/");
    await expect(permissions.readFile("/etc/hostname", 100, () => new GeppettoError("StepError", "x"))).rejects.toThrow(
      "file access denied",
    );
  });
});
