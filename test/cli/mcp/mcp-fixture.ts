import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client, type ElicitResult, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const main = fileURLToPath(new URL("../../../dist/cli/main.cjs", import.meta.url));
export const shopTools: string = fileURLToPath(new URL("./shop-tools.mjs", import.meta.url));

/** What a call of a tool has come to. */
export interface Called {
  content: { type: string; text?: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

export interface TestClient extends AsyncDisposable {
  client: Client;
  /** What the server has asked. */
  asked: string[];
  /** Calls `run_script`. */
  run(code: string, more?: Record<string, unknown>): Promise<Called>;
}

export interface ClientOptions {
  /** Answers what the server asks; without it the client cannot be asked. */
  answer?: (message: string) => ElicitResult;
  /** Variables for the server, beside its usual ones. */
  env?: Record<string, string>;
}

/** Starts `geppetto-js mcp` with these arguments, and a client that speaks to it over its stdin and stdout. */
export function stdioClient(args: readonly string[], options: ClientOptions = {}): Promise<TestClient> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [main, "mcp", ...args],
    stderr: "pipe",
    ...(options.env === undefined ? {} : { env: { ...(process.env as Record<string, string>), ...options.env } }),
  });
  return connect(transport, options);
}

/** A client of a server that listens there. */
export function httpClient(address: string, options: ClientOptions = {}): Promise<TestClient> {
  return connect(new StreamableHTTPClientTransport(new URL(address)), options);
}

async function connect(
  transport: StdioClientTransport | StreamableHTTPClientTransport,
  { answer }: ClientOptions,
): Promise<TestClient> {
  const client = new Client(
    { name: "test", version: "1" },
    { capabilities: answer === undefined ? {} : { elicitation: {} } },
  );
  const asked: string[] = [];
  if (answer !== undefined) {
    client.setRequestHandler("elicitation/create", async ({ params: { message } }) => {
      asked.push(message);
      return answer(message);
    });
  }
  await client.connect(transport);
  return {
    client,
    asked,
    run: async (code, more = {}) =>
      (await client.callTool({ name: "run_script", arguments: { code, ...more } })) as unknown as Called,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

export interface TestServer extends AsyncDisposable {
  address: string;
  process: ChildProcess;
}

/** Starts `geppetto-js mcp --http` with these arguments. */
export async function startHttp(args: readonly string[]): Promise<TestServer> {
  const child = spawn(process.execPath, [main, "mcp", "--http", ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [address] = (await once(createInterface(child.stdout), "line")) as [string];
  return {
    address,
    process: child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
