import type { Engine } from "../src/engine/engine.ts";
import type { SetupFunction } from "../src/engine/engine.ts";
import { closestName } from "../src/shared/closest-name.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import { wrongNumber } from "../src/shared/option-numbers.ts";
import type { HostTool } from "../src/steps/chat-tool.ts";

/** A schema of a library that follows Standard Schema, such as zod's; it must offer itself as a JSON schema. */
interface LibrarySchema {
  toJSONSchema?(): object;
  readonly "~standard"?: {
    readonly vendor: string;
    readonly validate?: (value: unknown) => unknown;
    readonly jsonSchema?: { input(options: { target: string }): Record<string, unknown> };
  };
}

/** A host tool whose input may also be said by a zod schema, or anything else that knows its JSON schema. */
export interface ToolSetup extends Omit<HostTool, "input"> {
  input?: Record<string, unknown> | { toJSONSchema(): object } | LibrarySchema;
}

const FIELDS = ["description", "input", "timeoutMs", "effect", "run"];

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const registries = new WeakMap<Engine, Map<string, HostTool>>();

/** The tools that the host of this engine offers, by name. */
export function hostToolsOf(engine: Engine): Map<string, HostTool> {
  const known = registries.get(engine);
  if (known !== undefined) return known;
  const registry = new Map<string, HostTool>();
  registries.set(engine, registry);
  return registry;
}

/**
 * Tools that run on the host. A script offers them to a model by name, `tools: ["clock"]`, and sees their calls and
 * results as events, never the function. `input` is a JSON schema or a zod schema, or that of another library; what
 * does not fit it never reaches `run`.
 *
 * @example
 * setupTools({ clock: { description: "The time", run: () => new Date().toISOString() } });
 * @throws {GeppettoError} ConfigError at the engine's start, for a name that models do not take or that is taken.
 */
export function setupTools(tools: Readonly<Record<string, ToolSetup>>): SetupFunction {
  return function hostTools(_, engine) {
    const registry = hostToolsOf(engine);
    for (const [name, tool] of Object.entries(tools)) {
      if (!NAME.test(name)) {
        throw new GeppettoError(
          "ConfigError",
          `Cannot offer the tool "${name}": a name has 1 to 64 letters, digits, _ and -`,
        );
      }
      if (registry.has(name))
        throw new GeppettoError("ConfigError", `Cannot offer the tool "${name}": a tool has this name already`);
      if (typeof tool.run !== "function") {
        throw new GeppettoError("ConfigError", `Cannot offer the tool "${name}": run must be a function`);
      }
      refuseUnknownFields(name, tool);
      const wrong = wrongNumber("timeoutMs", tool.timeoutMs, "amount");
      if (wrong !== undefined) throw new GeppettoError("ConfigError", `Cannot offer the tool "${name}": ${wrong}`);
      const { description, input, timeoutMs, effect } = tool;
      registry.set(name, {
        run: async (given, context) => tool.run(await accepted(input, given), context),
        ...(description === undefined ? {} : { description }),
        ...(input === undefined ? {} : { input: toSchema(name, input) }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(effect === undefined ? {} : { effect }),
      });
    }
  };
}

function refuseUnknownFields(name: string, tool: ToolSetup): void {
  for (const field of Object.keys(tool)) {
    if (FIELDS.includes(field)) continue;
    const close = closestName(field, FIELDS);
    throw new GeppettoError(
      "ConfigError",
      `Cannot offer the tool "${name}": it has no field "${field}"${close ? `, did you mean "${close}"?` : ""}`,
    );
  }
}

/** The JSON schema that a schema of a library offers, or the schema itself. */
export function toSchema(name: string, input: NonNullable<ToolSetup["input"]>): Record<string, unknown> {
  const { toJSONSchema, "~standard": standard } = input as LibrarySchema;
  const offered =
    standard?.jsonSchema?.input({ target: "draft-2020-12" }) ??
    (typeof toJSONSchema === "function" ? (input as { toJSONSchema(): object }).toJSONSchema() : undefined);
  if (offered !== undefined) {
    const { $schema: _, ...schema } = offered as Record<string, unknown>;
    return schema;
  }
  if (standard === undefined) return input as Record<string, unknown>;
  throw new GeppettoError(
    "ConfigError",
    `Cannot offer the tool "${name}": ${standard.vendor} does not offer its schema as a JSON schema, give the JSON schema itself`,
  );
}

/** The input as the tool gets it: a library's schema may fill in defaults and change values. */
export async function accepted(
  schema: ToolSetup["input"],
  given: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const validate = (schema as LibrarySchema | undefined)?.["~standard"]?.validate;
  if (validate === undefined) return given;
  const { value, issues } = (await validate(given)) as {
    value?: Record<string, unknown>;
    issues?: { message: string }[];
  };
  if (issues === undefined) return value ?? given;
  throw new GeppettoError("ValidationError", `the input does not fit: ${issues[0]?.message}`);
}
