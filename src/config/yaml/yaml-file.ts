import { createRequire } from "node:module";
import type { Document, Node } from "yaml";
import { formatBytes, readRegularFile } from "../../base/read-regular-file.ts";
import { configError, type Position, type Source } from "../config-error.ts";
import { excessOf } from "./yaml-bounds.ts";

/** The YAML package, loaded with the first use: most commands read no YAML, and it is a third of what they would load. */
export function yamlPackage(): typeof import("yaml") {
  return createRequire(import.meta.url)("yaml") as typeof import("yaml");
}

/** A YAML file as plain data, and where its parts stand. */
export interface YamlFile extends Source {
  /** As it was read. */
  text: string;
  value: unknown;
}

/** Largest file; what can be in one of this size takes the parser well under a tenth of a second. */
const MAX_BYTES = 64_000;

/**
 * Reads a YAML file; undefined when there is none.
 *
 * @param label its name in errors.
 * @throws {GeppettoError} ConfigError with line and column where the YAML is broken; or for a file that cannot be read.
 */
export function readYamlFile(path: string, label: string): YamlFile | undefined {
  let text: string | undefined;
  try {
    text = readRegularFile(path, { maxBytes: MAX_BYTES });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw configError(label, code === undefined ? message : `it cannot be read: ${code}`, "ERR_CONFIG_FILE");
  }
  return text === undefined ? undefined : parseYaml(text, label);
}

/** The same for a text. Anchors and aliases work, as far as they do not explode. */
export function parseYaml(text: string, label: string): YamlFile {
  const { isAlias, Lexer, LineCounter, parseDocument } = yamlPackage();
  const excess =
    Buffer.byteLength(text) > MAX_BYTES ? `it is larger than ${formatBytes(MAX_BYTES)}` : excessOf(text, Lexer);
  if (excess !== undefined) throw configError(label, excess, "ERR_CONFIG_FILE");
  const lines = new LineCounter();
  // To compare each key of a section with all others takes the parser too long: keys are checked below.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
  });
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line, column } = place(broken.pos[0]);
    throw configError(`${label}:${line}:${column}`, firstSentence(broken.message), "ERR_CONFIG_YAML");
  }
  const repeated = repeatedKey(document);
  if (repeated !== undefined) {
    const { line, column } = place(repeated);
    throw configError(`${label}:${line}:${column}`, "map keys must be unique", "ERR_CONFIG_YAML");
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    throw configError(label, firstSentence((error as Error).message), "ERR_CONFIG_YAML");
  }
  return {
    label,
    text,
    value,
    locate: (path, part) => {
      const offset = offsetOf(document.contents, path, part, (node) => (isAlias(node) ? node.resolve(document) : node));
      return offset === undefined ? undefined : place(offset);
    },
  };
}

/** Where a key stands that its section has already. */
function repeatedKey(document: Document): number | undefined {
  const { isScalar, visit } = yamlPackage();
  let found: number | undefined;
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value)) found ??= key.range?.[0] ?? 0;
        keys.add(key.value);
      }
    },
  });
  return found;
}

function offsetOf(
  root: unknown,
  path: readonly string[],
  part: "key" | "value",
  resolve: (node: unknown) => unknown,
): number | undefined {
  const { isMap, isNode, isScalar, isSeq } = yamlPackage();
  let node: unknown = resolve(root);
  let offset: number | undefined = isNode(node) ? node.range?.[0] : undefined;
  for (const [depth, name] of path.entries()) {
    const isLast = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
      if (pair === undefined) return offset;
      const wanted = isLast && part === "key" ? pair.key : (pair.value ?? pair.key);
      offset = (wanted as Node).range?.[0] ?? offset;
      node = resolve(pair.value);
    } else if (isSeq(node)) {
      node = resolve(node.items[Number(name)]);
      offset = isNode(node) ? (node.range?.[0] ?? offset) : offset;
    } else return offset;
  }
  return offset;
}

function firstSentence(message: string): string {
  const text = message.split(/\n|; please use /)[0]!.trim();
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/[.:]$/, "");
}
