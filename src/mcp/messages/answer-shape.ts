import type { isSpecType } from "@modelcontextprotocol/client";

type SpecTypes = typeof isSpecType;
type Test = (part: unknown) => boolean;

/** Most values in one part of an answer, or in what is in none of its lists. */
const MAX_VALUES = 1_000;
/** Most names of fields that a schema requires. */
const MAX_REQUIRED = 10_000;
/** What may hold anything: nothing in it is looked at one by one. */
const FREE: ReadonlySet<string> = new Set(["_meta", "structuredContent"]);
const SCHEMAS: ReadonlySet<string> = new Set(["inputSchema", "outputSchema"]);

/** The lists that answers hold, with what each part has to be. */
function listsOf(is: SpecTypes): Readonly<Record<string, Test>> {
  return {
    tools: is.Tool,
    content: is.ContentBlock,
    resources: is.Resource,
    resourceTemplates: is.ResourceTemplate,
    prompts: is.Prompt,
    messages: is.PromptMessage,
    contents: (part) => is.TextResourceContents(part) || is.BlobResourceContents(part),
  };
}

/**
 * Sees to it that an answer which does not fit the protocol is refused soon: the protocol's package looks at all of it, and
 * writes down each flaw with all that might have stood there. Of a list with a flaw only the first flawed part is left.
 *
 * @returns why the answer is not to be looked at at all.
 */
export function shortenFlaws(result: unknown, is: SpecTypes): string | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  const fields = result as Record<string, unknown>;
  const rest: Record<string, unknown> = { ...fields };
  for (const [name, fits] of Object.entries(listsOf(is))) {
    const list = fields[name];
    if (!Array.isArray(list)) continue;
    delete rest[name];
    for (const part of list as unknown[]) {
      if (isLarge(part)) return TOO_LARGE;
      if (fits(part)) continue;
      fields[name] = [part];
      break;
    }
  }
  return isLarge(rest) ? TOO_LARGE : undefined;
}

const TOO_LARGE = `has sent an answer of which one part has more than ${MAX_VALUES} values`;

/** Has it more values than what fits the protocol? */
export function isLarge(value: unknown): boolean {
  const left: unknown[] = [value];
  for (let count = 0; left.length > 0;) {
    const next = left.pop();
    if (typeof next !== "object" || next === null) continue;
    for (const [name, inner] of Object.entries(next)) {
      if (++count > MAX_VALUES) return true;
      if (FREE.has(name)) continue;
      if (!SCHEMAS.has(name)) left.push(inner);
      else if (isLargeSchema(inner)) return true;
    }
  }
  return false;
}

function isLargeSchema(schema: unknown): boolean {
  const { required } = (schema ?? {}) as { required?: unknown };
  return Array.isArray(required) && required.length > MAX_REQUIRED;
}
