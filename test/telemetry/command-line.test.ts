import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { runCli, ScriptFolder } from "../cli/run-cli.ts";
import { treeOf, useCollector } from "./collector.ts";

const REGISTER = fileURLToPath(new URL("register-otel.mjs", import.meta.url));
const LIBRARY = new URL("../../dist/src/index.js", import.meta.url).href;
/** Has `@opentelemetry/api` be missing, and says so of each time that it is asked for. */
const WITHOUT_API = `data:text/javascript,${encodeURIComponent(`import { registerHooks } from "node:module";
registerHooks({ resolve(name, context, next) {
  if (!name.startsWith("@opentelemetry/")) return next(name, context);
  console.log("asked for " + name);
  throw Object.assign(new Error("not found"), { code: "ERR_MODULE_NOT_FOUND" });
} });`)}`;

const folder = new ScriptFolder();
const collector = useCollector();
afterAll(() => folder.remove());

describe("run, where a module has registered OpenTelemetry,", () => {
  const script = folder.file("agent.js", `console.log(await chat("echo: a canary"));`);
  const nodeArgs = ["--import", REGISTER];

  it("sends the spans before it ends", async () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url };
    const { code, stdout } = await runCli(["run", "-q", "--json", script], { env, nodeArgs });
    expect(code).toBe(0);
    const spans = await collector.collect();
    expect(treeOf(spans)).toEqual(["script agent.js", "  step chat", "    chat demo"]);
    expect(spans.find(({ name }) => name === "script agent.js")!.attributes["geppetto.run.id"]).toBe(
      (JSON.parse(stdout) as { runId: string }).runId,
    );
    expect(JSON.stringify(spans)).not.toContain("canary");
  });

  it("sends contents where the variable of OpenTelemetry's asks for them, and is replayed all the same", async () => {
    const env = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url,
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true",
      GEPPETTO_LOG: `${folder.path}/runs.sqlite`,
    };
    const traced = folder.file(
      "traced.js",
      `const step = steps.createLambdaStep(async () => chat("echo: a canary"));
      console.log(String(await step.startAsync(1)));`,
    );
    expect(await runCli(["run", "-q", traced], { env, nodeArgs })).toMatchObject({ code: 0, stdout: "a canary\n" });
    expect(JSON.stringify(await collector.collect())).toContain("canary");
    const replayed = await runCli(["runs", "replay", "last", "-q"], { env: { GEPPETTO_LOG: env.GEPPETTO_LOG } });
    expect(replayed).toMatchObject({ code: 0, stdout: "a canary\n" });
  });

  it("ends although the collector cannot be reached", async () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:1/v1/traces" };
    expect(await runCli(["run", "-q", script], { env, nodeArgs })).toMatchObject({ code: 0, stdout: "a canary\n" });
  });
});

describe("@opentelemetry/api", () => {
  const run = async (telemetry: string): Promise<string> => {
    const code = `import { createMetrics, RuntimeEngine } from ${JSON.stringify(LIBRARY)};
      const engine = new RuntimeEngine({ telemetry: ${telemetry} });
      const say = ({ code, message }) => console.log(code, message);
      await engine.start().then(async () => console.log((await engine.runScript({ code: "1" })).end), say);
      await engine.close();`;
    const args = ["--import", WITHOUT_API, "--input-type=module", "--eval", code];
    return (await promisify(execFile)(process.execPath, args)).stdout;
  };

  it("is not asked for where telemetry is off, or all that is wanted is a text", async () => {
    expect(await run("undefined")).toBe("completed\n");
    expect(await run("{ metrics: createMetrics() }")).toBe("completed\n");
  });

  it("is named where it is wanted and missing", async () => {
    expect(await run("true")).toBe(
      "asked for @opentelemetry/api\nERR_MISSING_PACKAGE Cannot set telemetry up: the package @opentelemetry/api is not installed, add it to your dependencies; createMetrics() needs none\n",
    );
  });
});
