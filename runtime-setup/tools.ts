import type { Engine } from "../src/engine/engine.ts";
import type { SetupFunction } from "../src/engine/engine.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import type { HostTool } from "../src/steps/chat-tools.ts";

/** A host tool whose input may also be said by a zod schema, or anything else that knows its JSON schema. */
export interface ToolSetup extends Omit<HostTool, "input"> {
  input?: Record<string, unknown> | { toJSONSchema(): object };
}

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
 * results as events, never the function. `input` is a JSON schema or a zod schema; what does not fit it never reaches
 * `run`.
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
      const { description, input, timeoutMs } = tool;
      registry.set(name, {
        run: (given, context) => tool.run(given, context),
        ...(description === undefined ? {} : { description }),
        ...(input === undefined ? {} : { input: toSchema(input) }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
    }
  };
}

function toSchema(input: NonNullable<ToolSetup["input"]>): Record<string, unknown> {
  const { toJSONSchema } = input as { toJSONSchema?: unknown };
  if (typeof toJSONSchema !== "function") return input;
  const { $schema: _, ...schema } = (input as { toJSONSchema(): Record<string, unknown> }).toJSONSchema();
  return schema;
}
