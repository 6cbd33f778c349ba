/** Asking servers: hosts, as far as the permission `net` names them, and MCP servers, as far as `mcp` does. */

type HeadersInit = Headers | Iterable<readonly [name: string, value: string]> | Readonly<Record<string, string>>;
type BodyInit = string | ArrayBuffer | ArrayBufferView | URLSearchParams | ReadableStream;

interface Headers extends Iterable<[name: string, value: string]> {
  append(name: string, value: string): void;
  delete(name: string): void;
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(callback: (value: string, name: string, headers: Headers) => void, thisArg?: unknown): void;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  entries(): IterableIterator<[name: string, value: string]>;
}
/**
 * Names and values that go with a request or an answer.
 *
 * @example
 * new Headers({ Accept: "text/plain" }).get("accept"); // → "text/plain"
 */
declare const Headers: { new (init?: HeadersInit): Headers; readonly prototype: Headers };

interface RequestInit {
  method?: string;
  headers?: HeadersInit;
  /** A plain object is refused: send `JSON.stringify(object)`. */
  body?: BodyInit | null;
  /** Default "follow", at most 20 redirects; each address is judged anew. */
  redirect?: "follow" | "error" | "manual";
  signal?: AbortSignal | null;
}

/** What a request and an answer have in common. */
interface Body {
  /** The bytes as they come: the server waits while nobody reads. */
  readonly body: ReadableStream<Uint8Array> | null;
  readonly bodyUsed: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array>;
  // oxlint-disable-next-line typescript/no-explicit-any -- as the web has it: nobody knows what a server answers
  json(): Promise<any>;
  text(): Promise<string>;
}

interface Request extends Body {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly redirect: "follow" | "error" | "manual";
  readonly signal: AbortSignal;
  clone(): Request;
}
/**
 * What is asked of a server.
 *
 * @example
 * new Request("https://example.com/a", { method: "post" }).method; // → "POST"
 */
declare const Request: {
  new (input: string | URL | Request, init?: RequestInit): Request;
  readonly prototype: Request;
};

interface ResponseInit {
  status?: number;
  statusText?: string;
  headers?: HeadersInit;
}

interface Response extends Body {
  readonly type: "basic" | "default" | "error";
  /** Where the answer came from in the end. */
  readonly url: string;
  readonly redirected: boolean;
  readonly status: number;
  /** Is the status one from 200 to 299? */
  readonly ok: boolean;
  readonly statusText: string;
  readonly headers: Headers;
  clone(): Response;
}
/**
 * What a server answers.
 *
 * @example
 * await new Response("hello").text(); // → "hello"
 * await Response.json({ a: 1 }).json(); // → { a: 1 }
 * Response.redirect("https://example.com/").status; // → 302
 */
declare const Response: {
  new (body?: BodyInit | null, init?: ResponseInit): Response;
  readonly prototype: Response;
  error(): Response;
  json(data: unknown, init?: ResponseInit): Response;
  redirect(url: string | URL, status?: 301 | 302 | 303 | 307 | 308): Response;
};

/**
 * Asks a server. Resolves when the answer begins, whatever its status; read it by `json()`, `text()` or `body`.
 *
 * Hosts have to be allowed: `--allow-net=api.example.com`, in a host app `permissions.net`. A private or loopback address
 * is reached only when it is named itself. Rejects with a PermissionError where the host, or one that a redirect leads to,
 * is not allowed; with a TypeError with the code ERR_FETCH where the network fails; with a LimitError for too many requests
 * at once, and for answers that are too large or take too long; with the reason of its signal.
 *
 * @example
 * async function latest() {
 *   const response = await fetch("https://api.github.com/repos/nodejs/node/releases/latest", {
 *     headers: { authorization: `Bearer ${secrets.github}` },
 *     signal: AbortSignal.timeout(10_000),
 *   });
 *   if (!response.ok) throw new Error(`GitHub answered ${response.status}`);
 *   return (await response.json()).name;
 * }
 */
declare function fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;

/**
 * The secrets that the host lets scripts use, by name. Each is a text that stands for the secret: put it into a header,
 * and the host puts the secret in its place, on the way to the secret's own hosts only. The script never has it. An answer
 * that repeats the secret has "[redacted]" there.
 *
 * @example
 * const headers = () => ({ authorization: `Bearer ${secrets.github}` });
 */
declare const secrets: Readonly<Record<string, string>>;

interface McpCallOptions {
  /** Withdraws the call: the server is told, and the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

interface McpToolOptions extends McpCallOptions {
  /** Hears the events of the call: its start, progress and logs of the server, and its end. */
  onEvent?: (event: StepEvent) => unknown;
}

/** A part of what a server gives: text, or bytes in base64 as `data`. */
interface McpContent {
  type?: "image" | "audio" | "resource" | "resource_link";
  uri?: string;
  name?: string;
  mimeType?: string;
  text?: string;
  data?: string;
}

/** Something that a server lets be read, or a prompt that it has; as the server describes it. */
interface McpItem {
  name: string;
  title?: string;
  description?: string;
  /** Of a resource. */
  uri?: string;
  /** Of a template. */
  uriTemplate?: string;
  mimeType?: string;
  /** Of a prompt. */
  arguments?: { name: string; description?: string; required?: boolean }[];
}

/**
 * A tool of an MCP server. Its value is what the server gives as structured content; else its text, which is parsed where
 * it is a JSON object or list; an image, a sound or a resource is an object with its fields; several parts are a list.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- what a tool gives is its server's to say
type McpTool = (args?: object, options?: McpToolOptions) => Promise<any>;

/** The tools of one MCP server, by name: what a name in JavaScript cannot have is `_`. */
interface McpServer {
  /** Calls a tool by the name that the server itself gives it. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  call(tool: string, args?: object, options?: McpToolOptions): Promise<any>;
  /** The tools for a chat, `tools: mcp.SERVER.tools()`, named `SERVER_TOOL`; with `only` those of these names. */
  tools(options?: { only?: readonly string[] }): ChatTool[];
  readonly resources: {
    list(options?: McpCallOptions): Promise<McpItem[]>;
    /** Addresses with gaps, to be filled in and read. */
    templates(options?: McpCallOptions): Promise<McpItem[]>;
    /** A resource: its one part, or the list of its parts. */
    read(uri: string, options?: McpCallOptions): Promise<McpContent | McpContent[]>;
  };
  readonly prompts: {
    list(options?: McpCallOptions): Promise<McpItem[]>;
    get(
      name: string,
      args?: Readonly<Record<string, string>>,
      options?: McpCallOptions,
    ): Promise<{
      description?: string;
      messages: { role: "user" | "assistant"; text?: string; content?: McpContent }[];
    }>;
  };
}

/** Any server, with any tool: where nobody has declared which there are. */
type UndeclaredServers = [Exclude<keyof McpServers, "search" | "describe">] extends [never]
  ? { readonly [server: string]: McpServer & { readonly [tool: string]: McpTool } }
  : object;

/** The servers that scripts may ask; `geppetto-js types --allow-mcp=NAMES` declares their tools here. */
interface McpServers {
  /**
   * Tools of all servers that are allowed, by words of their names and descriptions; at most `limit`, by default 10.
   *
   * @example
   * async function names(words) {
   *   const found = await mcp.search(words, { limit: 5 });
   *   return found.map(({ name }) => name);
   * }
   */
  search(
    words: string,
    options?: McpCallOptions & { limit?: number },
  ): Promise<{ name: string; description: string; declaration: string }[]>;
  /**
   * All that is known of a tool, by a name such as "server.tool".
   *
   * @example
   * async function inputOf(name) {
   *   const { input } = await mcp.describe(name);
   *   return input;
   * }
   */
  describe(
    name: string,
    options?: McpCallOptions,
  ): Promise<{
    name: string;
    server: string;
    tool: string;
    title?: string;
    description: string;
    input: object;
    output?: object;
    declaration: string;
  }>;
}

/**
 * The tools of MCP servers: `mcp.SERVER.TOOL(args)`. Which servers there are is said in the configuration, or by the host;
 * each has to be allowed, by `--allow-mcp=NAME`, in a host app by `permissions.mcp`. A server is started when it is first
 * needed.
 *
 * Rejects with a PermissionError where the server is not allowed; with a ValidationError where the arguments do not fit the
 * tool's schema, or no tool has the name (ERR_MCP_NAME); with a StepError where the tool fails (ERR_MCP_TOOL) or its server
 * does (ERR_MCP_SERVER); with a TimeoutError (ERR_MCP_TIMEOUT); with the reason of the signal.
 *
 * @example
 * async function total() {
 *   const { sum } = await mcp.calc.add({ numbers: [1, 2, 3] }, { signal: AbortSignal.timeout(10_000) });
 *   return sum;
 * }
 */
declare const mcp: McpServers & UndeclaredServers;
