import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** Serves models, from a thread of its own: what a server computes is not what its client's host computes. */
const SERVE = String.raw`
  const { parentPort } = require("node:worker_threads");
  const { createServer } = require("node:http");
  const chunk = (delta, finish = null) =>
    "data: " + JSON.stringify({ id: "c", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta, finish_reason: finish }] }) + "\n\n";
  const call = (index, args) => ({ tool_calls: [{ index, id: "c" + index, function: { name: "x", arguments: args } }] });
  /** Sends pieces as fast as they are read, until there are none or nobody reads. */
  const pour = (response, pieces) => {
    const more = () => {
      for (;;) {
        if (response.destroyed) return;
        const { value, done } = pieces.next();
        if (done) return response.end();
        if (!response.write(value)) return response.once("drain", () => setImmediate(more));
      }
    };
    more();
  };
  function* repeat(piece) { for (;;) yield piece; }
  // Made beforehand: what a server computes on this machine is no part of what it does to its clients.
  const LINE = "data: " + "x".repeat(65_000);
  const LETTERS = chunk({ content: "x" }).repeat(500);
  const CHUNK = chunk({ content: "x".repeat(60_000) });
  const NOTHING = chunk({}).repeat(500);
  const CALLS = Array.from({ length: 20_000 }, (_, i) => chunk(call(i, "{}"))).join("");
  const LISTS = chunk({ tool_calls: [{ index: 0, function: { arguments: "[],".repeat(20_000) } }] });
  const DEEP = chunk(call(0, "[".repeat(400_000) + "]".repeat(400_000)));
  const WIDE = "data: {" + Array.from({ length: 100_000 }, (_, i) => '"k' + i + '":' + i).join() + "}\n\n";
  const MODELS = {
    /** Calls the tool once, then says what it gave. */
    *honest(messages) {
      const { role, content } = messages.at(-1);
      if (role === "tool") {
        for (const word of ["it ", "said ", String(content).slice(0, 40)]) yield chunk({ content: word });
        yield chunk({}, "stop");
      } else {
        yield chunk({ role: "assistant", ...call(0, '{"city":"Ulm",') });
        yield chunk({ tool_calls: [{ index: 0, function: { arguments: '"days":3}' } }] });
        yield chunk({}, "tool_calls");
      }
      yield "data: [DONE]\n\n";
    },
    line: () => repeat(LINE),
    comments: () => repeat(":\n\n".repeat(16_000)),
    letters: () => repeat(LETTERS),
    chunks: () => repeat(CHUNK),
    nothing: () => repeat(NOTHING),
    *calls() { yield CALLS; yield chunk({}, "tool_calls"); },
    *arguments() { yield chunk(call(0, '{"a":[')); yield* repeat(LISTS); },
    *deep() { yield DEEP; yield chunk({}, "tool_calls"); yield "data: [DONE]\n\n"; },
    wide: () => repeat(WIDE),
    junk: () => repeat("data: {]\n\n".repeat(5000)),
    error: () => repeat("[".repeat(60_000)),
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (text) => (body += text));
    request.on("error", () => {});
    response.on("error", () => {});
    request.on("end", () => {
      const { model, messages = [], input } = JSON.parse(body);
      if (input !== undefined) {
        const data = [input].flat().map((text, index) => ({ index, embedding: [text.length, index, 1] }));
        response.writeHead(200, { "content-type": "application/json" });
        return response.end(JSON.stringify({ object: "list", model, data, usage: { prompt_tokens: 1, total_tokens: 1 } }));
      }
      if (model === "error") {
        response.writeHead(400, { "content-type": "application/json" });
      } else response.writeHead(200, { "content-type": "text/event-stream" });
      pour(response, MODELS[model](messages));
    });
  });
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
  parentPort.on("message", () => { server.closeAllConnections(); server.close(); parentPort.close(); });`;

/** A server of models that are honest, or flood who asks them; each is chosen by its name. */
export class ModelServer implements AsyncDisposable {
  readonly baseURL: string;
  readonly #worker: Worker;

  private constructor(worker: Worker, port: number) {
    this.#worker = worker;
    this.baseURL = `http://127.0.0.1:${port}/v1`;
  }

  static async start(): Promise<ModelServer> {
    const worker = new Worker(SERVE, { eval: true });
    const [port] = (await once(worker, "message")) as [number];
    return new ModelServer(worker, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#worker, "exit");
    this.#worker.postMessage("stop");
    await exit;
  }
}
