import type { CallEffect } from "../base/calls/outside.ts";
import { closestName } from "../shared/closest-name.ts";
import { nameError } from "./mcp-error.ts";
import { toIdentifier } from "./identifier.ts";
import { cutText, showText } from "./untrusted-text.ts";

/** A tool as its server describes it: all texts are the server's, and bounded. */
export interface McpTool {
  /** As the server knows it. */
  name: string;
  /** As scripts know it: `mcp.SERVER.IDENTIFIER`. */
  identifier: string;
  title?: string;
  description: string;
  input: Record<string, unknown>;
  output?: Record<string, unknown>;
  /** What its server says it would mean to call it a second time. */
  effect: CallEffect;
}

/** Tools of one server; more are left out. */
export const MAX_TOOLS = 2_000;
/** Longest name and description of a tool, in characters; a tool whose name is longer is left out. */
const MAX_NAME = 256;
const MAX_DESCRIPTION = 8_000;

interface ListedTool {
  name: string;
  title?: string | undefined;
  description?: string | undefined;
  inputSchema: object;
  outputSchema?: object | undefined;
  annotations?: Annotations | undefined;
}

interface Annotations {
  readOnlyHint?: boolean | undefined;
  idempotentHint?: boolean | undefined;
}

/** The tools that a server has said it has, found by the names that scripts use. */
export class ToolList {
  readonly tools: readonly McpTool[];
  readonly #server: string;
  readonly #byName = new Map<string, McpTool>();
  readonly #byIdentifier = new Map<string, McpTool[]>();

  /** @param server its identifier */
  constructor(server: string, listed: readonly ListedTool[]) {
    this.#server = server;
    for (const given of listed) {
      const { name } = given;
      // A name that comes twice means the first: which of two is called must not depend on their order later.
      if (name === "" || name.length > MAX_NAME || this.#byName.has(name) || this.#byName.size >= MAX_TOOLS) continue;
      const tool = toTool(given);
      this.#byName.set(name, tool);
      const same = this.#byIdentifier.get(tool.identifier);
      if (same === undefined) this.#byIdentifier.set(tool.identifier, [tool]);
      else same.push(tool);
    }
    this.tools = [...this.#byName.values()];
  }

  /** Is this the only tool with its identifier? */
  isClear({ identifier }: McpTool): boolean {
    return this.#byIdentifier.get(identifier)?.length === 1;
  }

  /**
   * The tool that a script means.
   *
   * @param isExact the name is the server's own, and not a property of `mcp.SERVER`
   * @throws {GeppettoError} ValidationError with code ERR_MCP_NAME where there is none, or more than one.
   */
  find(name: string, isExact: boolean): McpTool {
    const asked = `mcp.${this.#server}.${showText(name, 100)}`;
    const exact = this.#byName.get(name);
    if (exact !== undefined && (isExact || toIdentifier(name) !== name)) return exact;
    const [first, ...others] = isExact ? [] : (this.#byIdentifier.get(name) ?? []);
    if (first === undefined) throw nameError(`call ${asked}`, this.#unknown(name));
    if (others.length === 0) return first;
    const names = [first, ...others].map((tool) => JSON.stringify(showText(tool.name, 100)));
    throw nameError(
      `call ${asked}`,
      `the server's tools ${names.slice(0, 5).join(" and ")} both have this name; call one as mcp.${this.#server}.call(${names[0]}, …)`,
    );
  }

  #unknown(name: string): string {
    const names = this.tools.map((tool) => tool.identifier);
    const close = closestName(name, names);
    if (close !== undefined) return `the server has no such tool; did you mean ${showText(close, 100)}?`;
    if (names.length === 0) return "the server has no tools";
    const shown = names.slice(0, 10).map((known) => showText(known, 60));
    const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : "";
    return `the server has no such tool; it has ${shown.join(", ")}${more}`;
  }
}

function toTool({ name, title, description = "", inputSchema, outputSchema, annotations }: ListedTool): McpTool {
  return {
    name,
    identifier: toIdentifier(name),
    ...(title === undefined || title === "" ? {} : { title: cutText(title, MAX_NAME) }),
    description: cutText(description, MAX_DESCRIPTION),
    input: inputSchema as Record<string, unknown>,
    ...(outputSchema === undefined ? {} : { output: outputSchema as Record<string, unknown> }),
    effect: effectOf(annotations),
  };
}

function effectOf({ readOnlyHint, idempotentHint }: Annotations = {}): CallEffect {
  if (readOnlyHint === true) return "none";
  return idempotentHint === true ? "keyed" : "once";
}
