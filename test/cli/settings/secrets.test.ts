import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isWholeRun } from "../../machine/part-of.ts";
import { ConfigFolder } from "../config-folder.ts";
import type { CliResult } from "../run-cli.ts";

/** One secret for each place that may hold one; none looks like a key, so that no pattern finds it. */
const SECRETS = {
  environment: "environment-canary-1711",
  named: "named-canary-2722",
  stored: "stored-canary-3733",
  literal: "literal-canary-4744",
  header: "header-canary-5755",
  storedHeader: "stored-header-canary-6766",
  flag: "flag-canary-7777",
};

const folder = new ConfigFolder();
const log = join(folder.path, "runs.db");
let server: Server;
let seen: IncomingHttpHeaders[] = [];

/** Answers in two words, or refuses and repeats all that it was sent, as some servers do. */
async function startServer(): Promise<string> {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      seen.push(request.headers);
      const { model } = JSON.parse(body) as { model: string };
      if (model === "refused") {
        response.writeHead(401, { "content-type": "application/json", connection: "close" });
        const message = `Incorrect API key, got ${JSON.stringify(request.headers)}`;
        response.end(JSON.stringify({ error: { message, code: "invalid_api_key" } }));
        return;
      }
      response.writeHead(200, { "content-type": "text/event-stream", connection: "close" });
      for (const content of ["all ", "well"]) {
        response.write(`data: ${JSON.stringify({ model, choices: [{ index: 0, delta: { content } }] })}\n\n`);
      }
      response.write(
        `data: ${JSON.stringify({ model, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\n`,
      );
      response.end("data: [DONE]\n\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const env: Record<string, string | undefined> = {
  GEPPETTO_LOG: log,
  OPENAI_API_KEY: SECRETS.environment,
  ANTHROPIC_API_KEY: SECRETS.environment,
  NAMED_KEY: SECRETS.named,
};

beforeAll(async () => {
  const url = await startServer();
  env["OPENAI_BASE_URL"] = url;
  const own = `provider: openai, headers: { x-extra: ${SECRETS.header}, x-stored: key:extra }`;
  folder.project(`profiles:
  environment: { chat: { ${own} } }
  named: { chat: { ${own}, baseURL: "${url}", apiKey: env:NAMED_KEY } }
  stored: { chat: { ${own}, baseURL: "${url}", apiKey: key:work } }
  literal: { chat: { ${own}, baseURL: "${url}", apiKey: ${SECRETS.literal} } }
`);
  await folder.cli(["keys", "set", "work"], { input: SECRETS.stored });
  await folder.cli(["keys", "set", "extra"], { input: SECRETS.storedHeader });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  folder.remove();
});

const script = folder.file(
  "ask.js",
  `try {
    console.log(await chat("hello"));
    for await (const event of new ChatStepFactory().newStep().events("again")) console.log(event);
  } catch (error) {
    console.error(error, error.stack, JSON.stringify(error), error.cause);
    console.log(chat, process, JSON.stringify(new ChatSession({ model: "refused" })));
    throw error;
  }`,
);

/** What anybody could read afterwards: all that was printed, and all files but those that hold the keys. */
function everything(results: readonly CliResult[]): string {
  const files = readdirSync(folder.path).filter((name) => /\.(db(-wal|-shm)?|json|ndjson)$/.test(name));
  const written = files.map((name) => readFileSync(join(folder.path, name), "latin1"));
  return [...results.flatMap(({ stdout, stderr }) => [stdout, stderr]), ...written].join("\n");
}

function expectNoSecret(text: string): void {
  for (const secret of Object.values(SECRETS)) expect(text.includes(secret), secret).toBe(false);
  expect(text).not.toMatch(/canary/);
}

describe("a secret", () => {
  const cases = (["environment", "named", "stored", "literal", "flag"] as const).flatMap((place) =>
    // What was sent is what a refusal repeats; of calls that go well two places are enough.
    (isWholeRun || place === "environment" || place === "stored" ? ["fine", "refused"] : ["refused"]).map(
      (model) => [place, model] as const,
    ),
  );
  it.each(cases)(
    "(%s) of a call that is %s is sent, and is in nothing printed, logged or recorded",
    async (place, model) => {
      const profile = place === "flag" ? "named" : place;
      const set = place === "flag" ? ["--set", `chat.apiKey=${SECRETS.flag}`] : [];
      const given = ["-p", profile, "-m", model, ...set, script];
      seen = [];
      const ways = [
        ["-v", "--events"],
        ["--json", "--stats", `--events=${place}-${model}.ndjson`],
        ["-v", "--record", `${place}-${model}.json`],
      ];
      const results: CliResult[] = [];
      for (const way of ways) results.push(await folder.cli(["run", ...way, ...given], { env }));
      results.push(
        await folder.cli(["runs", "show", "last"], { env }),
        await folder.cli(["runs", "export", "last"], { env }),
      );
      expect(results.slice(0, ways.length).map(({ code }) => code)).toEqual(
        ways.map(() => (model === "fine" ? 0 : 78)),
      );
      const sent = {
        authorization: `Bearer ${SECRETS[place]}`,
        "x-extra": SECRETS.header,
        "x-stored": SECRETS.storedHeader,
      };
      expect(seen.length).toBe(model === "fine" ? 2 * ways.length : ways.length);
      for (const headers of seen) expect(headers).toMatchObject(sent);
      const all = everything(results);
      expect(all).toContain(model === "fine" ? "all well" : "Incorrect API key");
      expectNoSecret(all);
    },
  );

  it("is in nothing that the other commands print", async () => {
    const commands = [
      ["profiles", "list", "--json"],
      ...["named", "stored", "literal"].flatMap((name) => [
        ["profiles", "show", name, "--origin"],
        ["profiles", "show", name, "--json"],
        ["doctor", "-p", name, "--online"],
        ["doctor", "-p", name, "--online", "--json", "-m", "refused"],
      ]),
      ["keys", "list", "--json"],
      ["keys", "set", "work", SECRETS.stored],
      ["runs", "list", "--json"],
    ];
    const results: CliResult[] = [];
    for (const args of commands) results.push(await folder.cli(args, { env }));
    const all = everything(results);
    expect(all).toContain("env:NAMED_KEY");
    expect(all).toContain("(a key)");
    expectNoSecret(all);
  });

  it("is in no error of a configuration that cannot be used", async () => {
    const other = new ConfigFolder();
    try {
      const files = [
        `chat: { apiKey: [${SECRETS.literal}] }`,
        `chat: { headers: ${SECRETS.header} }`,
        `chat: { headers: { a: [${SECRETS.header}] } }`,
        `chat: { apiKey: ${SECRETS.literal}, headers: { a: b }`,
        `chat: { provider: openai, apiKey: ${SECRETS.literal}, temperature: 9 }`,
      ];
      for (const yaml of files) {
        other.project(yaml);
        for (const args of [["run", "--json", script], ["doctor"], ["profiles", "show"]]) {
          const result = await other.cli(args, { env });
          expect(result.code).toBe(78);
          expectNoSecret(result.stdout + result.stderr);
        }
      }
    } finally {
      other.remove();
    }
  });
});
