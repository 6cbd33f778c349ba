import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Node } from "yaml";
import { configError, type Position, type Source } from "./config-error.ts";

/** The YAML package, loaded with the first use: most commands read no YAML, and it is a third of what they would load. */
export function yamlPackage(): typeof import("yaml") {
  return createRequire(import.meta.url)("yaml") as typeof import("yaml");
}

/** A YAML file as plain data, and where its parts stand. */
export interface YamlFile extends Source {
  value: unknown;
}

const MAX_BYTES = 1024 * 1024;

/**
 * Reads a YAML file; undefined when there is none.
 *
 * @param label its name in errors.
 * @throws {GeppettoError} ConfigError with line and column where the YAML is broken; or for a file that cannot be read.
 */
export async function readYamlFile(path: string, label: string): Promise<YamlFile | undefined> {
  try {
    // Most often there is none, which is known sooner without waiting for a thread.
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (!found.isFile()) throw configError(label, "it is not a file", "ERR_CONFIG_FILE");
    if (found.size > MAX_BYTES) throw configError(label, "it is larger than 1 MB", "ERR_CONFIG_FILE");
    return parseYaml(await readFile(path, "utf8"), label);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code?.startsWith("ERR_CONFIG")) throw error;
    throw configError(label, `it cannot be read: ${code ?? "unknown"}`, "ERR_CONFIG_FILE");
  }
}

/** The same for a text. Anchors and aliases work, as far as they do not explode. */
export function parseYaml(text: string, label: string): YamlFile {
  const { isAlias, LineCounter, parseDocument } = yamlPackage();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line, column } = place(broken.pos[0]);
    throw configError(`${label}:${line}:${column}`, firstSentence(broken.message), "ERR_CONFIG_YAML");
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    throw configError(label, firstSentence((error as Error).message), "ERR_CONFIG_YAML");
  }
  return {
    label,
    value,
    locate: (path, part) => {
      const offset = offsetOf(document.contents, path, part, (node) => (isAlias(node) ? node.resolve(document) : node));
      return offset === undefined ? undefined : place(offset);
    },
  };
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
