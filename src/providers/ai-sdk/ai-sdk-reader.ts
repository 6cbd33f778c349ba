import { AnswerText, MAX_CALLS, tooLarge } from "../answer/answer-text.ts";
import { JSON_LIMITS } from "../answer/json-progress.ts";
import { stopReasonOf } from "../answer/stop-reason.ts";
import { toToolCallChunk } from "../answer/tool-arguments.ts";
import type { ChatChunk, EndChunk, StopReason, Usage } from "../chat-provider.ts";
import { countOf, listOf, recordOf, stringOf } from "../input/unknown-fields.ts";
import { brokenStream } from "../provider-error.ts";
import { Unsupported } from "./ai-sdk-model.ts";
import type { KeptPart } from "./ai-sdk-request.ts";

type Fields = Record<string, unknown>;

/** A call as it comes together. */
interface Draft {
  name: string;
  text: string;
  providerOptions?: unknown;
}

const MAX_NAME_CHARS = 1024;

/** Makes chunks of the parts that a model of the AI SDK streams. Parts are what somebody else's code gives: anything. */
export class AiSdkReader {
  readonly #name: string;
  readonly #answer: AnswerText;
  readonly #calls = new Map<string, Draft>();
  /** Calls that the server makes by itself. */
  readonly #foreign = new Set<string>();
  readonly #reasoning = new Map<string, { text: string; providerOptions?: unknown }>();
  #engine: string;
  #responseId: string | undefined;
  #finish: Fields | undefined;
  /** What the last part said went wrong. */
  failure: unknown;

  constructor(name: string, engine: string) {
    this.#name = name;
    this.#engine = engine;
    this.#answer = new AnswerText(name);
  }

  /** The part after which no more text comes has been read. */
  get isFinished(): boolean {
    return this.#finish !== undefined;
  }

  /** @throws {Unsupported} for a setting that the model leaves out, and for what a chat cannot hold. */
  *read(given: unknown): Generator<ChatChunk, void, undefined> {
    const part = recordOf(given) ?? {};
    const id = stringOf(part["id"]) ?? "";
    const metadata = part["providerMetadata"];
    // A flood of parts that say nothing comes to an end, too.
    this.#answer.count(1);
    switch (part["type"]) {
      case "stream-start":
        for (const warning of listOf(part["warnings"]) ?? []) refuseWarning(recordOf(warning) ?? {});
        break;
      case "response-metadata":
        this.#engine = stringOf(part["modelId"]) || this.#engine;
        this.#responseId = stringOf(part["id"]) || this.#responseId;
        break;
      case "text-delta":
        yield* this.#answer.add(part["delta"]);
        break;
      case "reasoning-start":
      case "reasoning-end":
        this.#think(id, "", metadata);
        break;
      case "reasoning-delta":
        this.#think(id, stringOf(part["delta"]) ?? "", metadata);
        yield* this.#answer.addReasoning(part["delta"]);
        break;
      case "tool-input-start":
        if (part["providerExecuted"] === true) this.#foreign.add(id);
        else this.#open(id, stringOf(part["toolName"]) ?? "");
        break;
      case "tool-input-delta":
        if (!this.#foreign.has(id)) this.#extend(id, stringOf(part["delta"]) ?? "");
        break;
      case "tool-call":
        if (part["providerExecuted"] !== true) this.#take(part, metadata);
        break;
      case "file":
        throw new Unsupported(`files in answers (${stringOf(part["mediaType"]) ?? "of some type"})`);
      case "tool-approval-request":
        throw new Unsupported("tools that the server runs after an approval");
      case "error":
        this.failure = part["error"] ?? {};
        break;
      case "finish":
        this.#finish = part;
        break;
    }
  }

  /** What is still to come when there are no more parts, the "end" chunk last. */
  *end(): Generator<ChatChunk, void, undefined> {
    const { finishReason, usage } = this.#finish ?? {};
    if (this.#finish === undefined) {
      throw brokenStream(this.#name, "the stream broke off: it ended without a finish part");
    }
    const unified = stringOf(recordOf(finishReason)?.["unified"]) ?? stringOf(finishReason) ?? "";
    const raw = stringOf(recordOf(finishReason)?.["raw"]);
    const isLost = ["", "other", "unknown"].includes(unified) && raw === undefined;
    if (unified === "error" || unified === "interrupted" || isLost) {
      const why = unified === "error" ? "the model failed" : "it ended without saying why";
      throw brokenStream(this.#name, `the stream broke off: ${why}${raw ? ` (${raw.slice(0, 100)})` : ""}`);
    }
    yield* this.#answer.flush();
    for (const [id, { name, text }] of this.#calls) {
      if (name === "") throw brokenStream(this.#name, "the answer holds a tool call without a name");
      yield toToolCallChunk(id, name, text);
    }
    const items = this.#kept();
    const read = usageOf(recordOf(usage));
    const end: EndChunk = {
      type: "end",
      stopReason: this.#calls.size > 0 && unified !== "length" ? "tool-calls" : reasonOf(unified),
      providerStopReason: raw ?? unified,
      engine: this.#engine,
      ...(read === undefined ? {} : { usage: read }),
      ...(this.#responseId === undefined ? {} : { responseId: this.#responseId }),
      ...(items.length === 0 ? {} : { thoughts: { provider: this.#name, items } }),
    };
    yield end;
  }

  #think(id: string, delta: string, metadata: unknown): void {
    const block = this.#reasoning.get(id) ?? { text: "" };
    this.#reasoning.set(id, block);
    block.text += delta;
    if (metadata === undefined) return;
    this.#count(metadata);
    block.providerOptions = { ...recordOf(block.providerOptions), ...recordOf(metadata) };
  }

  #open(id: string, name: string): Draft {
    if (this.#calls.size >= MAX_CALLS) throw tooLarge(this.#name, `it has more than ${MAX_CALLS} tool calls`);
    if (name.length > MAX_NAME_CHARS) {
      throw tooLarge(this.#name, `the name of a tool call has more than ${MAX_NAME_CHARS} characters`);
    }
    const draft = { name, text: "" };
    this.#calls.set(id || `call_${this.#calls.size + 1}`, draft);
    return draft;
  }

  #extend(id: string, delta: string): void {
    const draft = this.#calls.get(id) ?? this.#open(id, "");
    draft.text += delta;
    this.#answer.count(delta.length);
    this.#checkLength(draft.text);
  }

  /** A call that has come whole, whatever came of it in pieces. */
  #take(part: Fields, metadata: unknown): void {
    const id = stringOf(part["toolCallId"]) ?? "";
    const { input } = part;
    const text = typeof input === "string" ? input : (JSON.stringify(input) ?? "");
    const known = id === "" ? undefined : this.#calls.get(id);
    const draft = known ?? this.#open(id, "");
    if (known === undefined) this.#answer.count(text.length);
    draft.name = (stringOf(part["toolName"]) ?? draft.name).slice(0, MAX_NAME_CHARS);
    draft.text = text;
    this.#checkLength(text);
    if (metadata === undefined) return;
    this.#count(metadata);
    draft.providerOptions = metadata;
  }

  #checkLength(text: string): void {
    if (text.length <= JSON_LIMITS.chars) return;
    throw tooLarge(this.#name, `the arguments of a tool call have more than ${JSON_LIMITS.chars} characters`);
  }

  #count(metadata: unknown): void {
    this.#answer.count((JSON.stringify(metadata) ?? "").length);
  }

  /** What the model wants back with its calls. */
  #kept(): KeptPart[] {
    if (this.#calls.size === 0) return [];
    const blocks = [...this.#reasoning.values()].filter(({ providerOptions }) => providerOptions !== undefined);
    const reasoning = blocks.map((block): KeptPart => ({ type: "reasoning", ...block }));
    const calls = [...this.#calls].flatMap(([toolCallId, { providerOptions }]): KeptPart[] =>
      providerOptions === undefined ? [] : [{ type: "tool-call", toolCallId, providerOptions }],
    );
    return [...reasoning, ...calls];
  }
}

function reasonOf(unified: string): StopReason {
  const reason = stopReasonOf(unified);
  return reason === "failure" ? "unknown" : reason;
}

/** A model that leaves out what was asked for says so in a warning. */
function refuseWarning(warning: Fields): void {
  const { type } = warning;
  const details = stringOf(warning["details"]) ?? "";
  if (type === "unsupported") throw new Unsupported(stringOf(warning["feature"]) ?? "a setting", details);
  if (type === "unsupported-setting") throw new Unsupported(stringOf(warning["setting"]) ?? "a setting", details);
  if (type === "unsupported-tool") {
    const name = stringOf(recordOf(warning["tool"])?.["name"]) ?? "";
    throw new Unsupported(`the tool "${name}"`, details);
  }
}

/** Version 2 has plain numbers, those after it have them taken apart. Cached tokens are within the input's. */
function usageOf(usage: Fields | undefined): Usage | undefined {
  const input = recordOf(usage?.["inputTokens"]);
  const output = recordOf(usage?.["outputTokens"]);
  const inputTokens = countOf(input === undefined ? usage?.["inputTokens"] : input["total"]);
  const outputTokens = countOf(output === undefined ? usage?.["outputTokens"] : output["total"]);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const cached = countOf(input === undefined ? usage?.["cachedInputTokens"] : input["cacheRead"]);
  const written = countOf(input?.["cacheWrite"]);
  const reasoning = countOf(output === undefined ? usage?.["reasoningTokens"] : output["reasoning"]);
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    totalTokens: (inputTokens ?? 0) + (outputTokens ?? 0),
    ...(cached ? { cachedTokens: cached } : {}),
    ...(written ? { cacheCreationInputTokens: written } : {}),
    ...(reasoning ? { reasoningTokens: reasoning } : {}),
  };
}
