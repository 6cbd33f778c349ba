import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KeyStore, secretValues } from "../../src/config.ts";
import { runFetch } from "./run-fetch.ts";

it("secrets come from variables and stored keys; one that is missing is an error when it is sent", async () => {
  const folder = mkdtempSync(join(tmpdir(), "secrets-"));
  try {
    const keys = new KeyStore(join(folder, "keys.json"));
    await keys.set("mine", "a-stored-key");
    const hosts = ["api.example.com"];
    const sources = {
      stored: { from: "key:mine", hosts },
      variable: { from: "env:MY_TOKEN", hosts },
      lost: { from: "key:other", hosts },
      unset: { from: "env:NOT_SET", hosts },
    };
    const secrets = await secretValues(sources, { MY_TOKEN: "a-token-value" }, keys);
    expect(secrets).toEqual({
      stored: { value: "a-stored-key", hosts },
      variable: { value: "a-token-value", hosts },
      lost: { missing: 'no key is stored as "other"; run geppetto-js keys set other', hosts },
      unset: { missing: "the variable NOT_SET is not set", hosts },
    });
    const net = hosts;
    const lookup = (): never => expect.unreachable();
    const code = `await fetch("https://api.example.com/", { headers: { a: secrets.unset } })`;
    expect((await runFetch(code, { net, secrets, lookup })).error).toMatchObject({
      code: "ERR_CONFIG_SECRET",
      message: "Cannot send secrets.unset: the variable NOT_SET is not set",
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
