import { GeppettoError } from "../../../shared/errors.ts";
import { isControl, messageElement, type ElementOf, type StreamElement } from "../../elements/element.ts";
import type { Stage } from "../../stage.ts";
import { Template, type Variables, type VariableValue } from "./template.ts";
import { refuseWrong, type FieldsOf } from "../../../shared/wrong-option.ts";

export interface PromptAssemblyOptions {
  /** What a text becomes, `{{input}}` standing for the text itself; default that text. Several are chosen from by name. */
  template?: string | Readonly<Record<string, string>>;
  /** Template of the system message, which goes first, once in an execution. */
  system?: string;
  /** Values for all elements. An element's own, `metadata.variables`, go before them. */
  variables?: Variables;
  /** Values for what is said nowhere else. */
  defaults?: Variables;
}

/** The variable that stands for the text which came in. */
const INPUT = "input";

const PROMPT_FIELDS: FieldsOf<PromptAssemblyOptions> = {
  template: true,
  system: true,
  variables: true,
  defaults: true,
};

/**
 * Makes messages: a system message before everything else, and one of the user's from each text, by a template. An
 * element names one of several templates in `metadata.template`; without that it is the first. Messages and all other
 * kinds pass as they are.
 *
 * An element whose templates lack variables ends the execution with a ValidationError that lists all that are missing.
 *
 * @example
 * const prompt = promptAssembly("prompt", { system: "Answer in {{language}}.", variables: { language: "French" } });
 * @throws {GeppettoError} ConfigError (`ERR_TEMPLATE`) at once for a template that cannot be read.
 */
export function promptAssembly(name: string, options: PromptAssemblyOptions = {}): Stage {
  refuseWrong(`make stage "${name}"`, options, PROMPT_FIELDS);
  const { template, system } = options;
  const named = typeof template === "string" ? { default: template } : (template ?? {});
  const templates = new Map(
    Object.entries(named).map(([key, text]) => [key, new Template(text, `template "${key}" of stage "${name}"`)]),
  );
  const systemTemplate = system === undefined ? undefined : new Template(system, `the system template of "${name}"`);

  function templateFor({ metadata }: StreamElement): Template | undefined {
    const asked = metadata["template"];
    if (asked === undefined || templates.size === 0) return templates.values().next().value;
    const found = typeof asked === "string" ? templates.get(asked) : undefined;
    if (found !== undefined) return found;
    const known = [...templates.keys()].map((key) => `"${key}"`).join(", ");
    throw new GeppettoError(
      "ValidationError",
      `Cannot assemble the prompt: there is no template ${JSON.stringify(asked)}, the templates are ${known}`,
    );
  }

  return {
    name,
    type: "transform",
    async process(input, output) {
      let isFirst = true;
      for await (const element of input) {
        const usesSystem = isFirst && !isControl(element) ? systemTemplate : undefined;
        const own = element.kind === "text" ? templateFor(element) : undefined;
        const find = finderFor(element, [usesSystem, own], options);
        if (usesSystem !== undefined) {
          const text = usesSystem.render(find);
          await output.write(messageElement({ role: "system", text }));
        }
        if (!isControl(element)) isFirst = false;
        await output.write(element.kind === "text" ? toMessage(element, own?.render(find) ?? element.text) : element);
      }
    },
  };
}

/** @throws {GeppettoError} ValidationError with everything that one of the templates asks for and nobody has. */
function finderFor(
  element: StreamElement,
  templates: readonly (Template | undefined)[],
  { variables = {}, defaults = {} }: PromptAssemblyOptions,
): (name: string) => VariableValue {
  const names = new Set(templates.flatMap((template) => template?.names ?? []));
  const input: Record<string, unknown> = element.kind === "text" ? { [INPUT]: element.text } : {};
  const sources: Readonly<Record<string, unknown>>[] = [
    input,
    recordOf(element.metadata["variables"]),
    variables,
    defaults,
  ];
  const values = new Map<string, VariableValue>();
  const wrong: string[] = [];
  for (const name of names) {
    // Own fields alone: no template reaches what every object has.
    const found = sources.find((source) => Object.hasOwn(source, name) && source[name] !== undefined)?.[name];
    if (typeof found === "string" || typeof found === "number" || typeof found === "boolean") values.set(name, found);
    else wrong.push(found === undefined || found === null ? name : `${name} (a text or number, not ${typeof found})`);
  }
  if (wrong.length > 0) {
    throw new GeppettoError("ValidationError", `Cannot assemble the prompt: no value for ${wrong.join(", ")}`, {
      code: "ERR_TEMPLATE_VARIABLES",
    });
  }
  return (name) => values.get(name)!;
}

/** What is known of the text is known of its message. */
function toMessage({ metadata, priority, time, source, trace }: ElementOf<"text">, text: string): StreamElement {
  return { kind: "message", message: { role: "user", text }, metadata, priority, time, source, trace };
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
