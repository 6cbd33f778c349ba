import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { StdioServer } from "../../src/index.ts";
import { freePort } from "../examples/document-folder.ts";
import { mcpValue } from "./run-mcp.ts";

/** A published server, started as its users start it, but without `npx`. */
function published(url: string, args: string[], env: Record<string, string> = {}): StdioServer {
  const main = fileURLToPath(new URL("dist/index.js", url));
  return { command: process.execPath, args: [main, ...args], env };
}

const folder = mkdtempSync(join(tmpdir(), "geppetto-mcp-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const servers = {
  everything: published(import.meta.resolve("@modelcontextprotocol/server-everything/package.json"), ["stdio"]),
  files: published(import.meta.resolve("@modelcontextprotocol/server-filesystem/package.json"), [folder]),
  memory: published(import.meta.resolve("@modelcontextprotocol/server-memory/package.json"), [], {
    MEMORY_FILE_PATH: join(folder, "memory.json"),
  }),
};

describe("a script", () => {
  it("reads and writes files through server-filesystem, below its folder only", async () => {
    writeFileSync(join(folder, "a.txt"), "one\ntwo\n");
    const code = `const at = (name) => ${JSON.stringify(folder)} + "/" + name;
      const { content } = await mcp.files.read_text_file({ path: at("a.txt") });
      await mcp.files.write_file({ path: at("b.txt"), content: content.toUpperCase() });
      export default [content, (await rejection(mcp.files.read_text_file({ path: "/etc/passwd" })))[1]]`;
    expect(await mcpValue(code, { servers })).toEqual(["one\ntwo\n", "ERR_MCP_TOOL"]);
    expect(readFileSync(join(folder, "b.txt"), "utf8")).toBe("ONE\nTWO\n");
  });

  it("keeps what it learns in server-memory", async () => {
    const code = `await mcp.memory.create_entities({ entities: [{ name: "Ada", entityType: "person", observations: ["wrote programs"] }] });
      const { entities } = await mcp.memory.search_nodes({ query: "programs" });
      export default entities.map(({ name, observations }) => [name, observations])`;
    expect(await mcpValue(code, { servers })).toEqual([["Ada", ["wrote programs"]]]);
  });

  it("calls the tools of server-everything", async () => {
    const code = `const { everything } = mcp;
      const image = await everything.get_tiny_image();
      export default [await everything.echo({ message: "hello" }), await everything.get_sum({ a: 2, b: 3 }),
        await everything.get_structured_content({ location: "New York" }), image.find((part) => part.type === "image").mimeType]`;
    expect(await mcpValue(code, { servers })).toEqual([
      "Echo: hello",
      "The sum of 2 and 3 is 5.",
      { conditions: expect.any(String), humidity: expect.any(Number), temperature: expect.any(Number) },
      "image/png",
    ]);
  });

  it("reads resources and prompts of server-everything, hears its progress, and has its host asked", async () => {
    const asked: string[] = [];
    const code = `const { everything } = mcp;
      const [{ uri }] = await everything.resources.list();
      const prompt = await everything.prompts.get("simple-prompt");
      const heard = [];
      const onEvent = ({ progress }) => progress && heard.push(progress);
      await everything.trigger_long_running_operation({ duration: 0.2, steps: 2 }, { onEvent });
      await everything.trigger_elicitation_request();
      export default [(await everything.resources.read(uri)).uri === uri, prompt.messages[0].role, heard.map(({ value, total }) => [value, total])]`;
    const onElicit = ({ message }: { message: string }) => {
      asked.push(message);
      return { action: "decline" } as const;
    };
    expect(await mcpValue(code, { servers, onElicit })).toEqual([
      true,
      "user",
      [
        [1, 2],
        [2, 2],
      ],
    ]);
    expect(asked).toEqual([expect.any(String)]);
  });

  it("asks server-everything by Streamable HTTP", async () => {
    const port = await freePort();
    const { command, args, env } = { ...servers.everything, args: [servers.everything.args![0]!, "streamableHttp"] };
    const server = spawn(command, args, { env: { ...env, PATH: process.env["PATH"], PORT: String(port) } });
    try {
      await new Promise<void>((resolve, reject) => {
        server.stderr.on("data", (chunk: Buffer) => void (/listening|started/i.test(chunk.toString()) && resolve()));
        server.once("exit", () => reject(new Error("the server has ended")));
      });
      const http = { everything: { url: `http://127.0.0.1:${port}/mcp` } };
      const code = `export default [await mcp.everything.echo({ message: "hello" }), (await mcp.everything.tools()).length > 5]`;
      expect(await mcpValue(code, { servers: http })).toEqual(["Echo: hello", true]);
    } finally {
      server.kill();
    }
  });
});
