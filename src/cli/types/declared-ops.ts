import { existsSync } from "node:fs";
import { basename } from "node:path";
import { reasonOf } from "../../files.ts";
import { type Piece, TypeSource } from "./type-source.ts";

/** Most files of a host app that are looked at. */
const MAX_FILES = 1000;

/** What a host app has declared of its own functions. */
export interface DeclaredOps {
  /** The members of `HostOps`, by the names of the functions, each as it is written. */
  members: Map<string, string>;
  /** The types that they need, each as it is written. */
  types: string[];
  /** What cannot be said of which function, and why. */
  warnings: string[];
}

/**
 * Reads `interface HostOps` in a module and in all that it imports from its own folder and others beside it. The types
 * that the members use are taken along where they are interfaces, types or enums of these files.
 *
 * @param ops the names of the functions that there are
 */
export function readDeclaredOps(module: string, ops: ReadonlySet<string>): DeclaredOps {
  const declared: DeclaredOps = { members: new Map(), types: [], warnings: [] };
  const taken = new Map<string, string>();
  for (const source of readSources(module, declared.warnings)) {
    for (const [op, member] of source.hostOps) {
      if (!ops.has(op)) continue;
      const needed = new Map<string, string>();
      const reason = findTypes(member, source, needed) ?? clashOf(needed, taken);
      if (reason !== undefined) {
        declared.warnings.push(`the type of ${op} is left open: ${reason}`);
        continue;
      }
      declared.members.set(op, member.text);
      for (const [name, text] of needed) taken.set(name, text);
    }
  }
  declared.types.push(...taken.values());
  return declared;
}

function readSources(module: string, warnings: string[]): TypeSource[] {
  const beside = module.replace(/\.([cm]?)js$/, ".d.$1ts");
  const waiting = [existsSync(beside) ? beside : module];
  const sources: TypeSource[] = [];
  const seen = new Set(waiting);
  for (const path of waiting) {
    try {
      const source = new TypeSource(path);
      sources.push(source);
      for (const specifier of source.modules) {
        const next = source.resolve(specifier);
        if (next === undefined || seen.has(next) || seen.size >= MAX_FILES) continue;
        seen.add(next);
        waiting.push(next);
      }
    } catch (error) {
      warnings.push(`no types are read from ${basename(path)}: ${reasonOf(error)}`);
    }
  }
  return sources;
}

/** Puts the declarations that a piece needs into `needed`. Says what cannot be taken along. */
function findTypes({ tokens }: Piece, source: TypeSource, needed: Map<string, string>): string | undefined {
  for (const [at, { label, value }] of tokens.entries()) {
    if (label === "typeof") return `it needs the type of a value (typeof ${String(tokens[at + 1]?.value)})`;
    const name = String(value);
    // What follows a dot is a part of something, and what a colon follows is a key or a parameter.
    const follower = tokens[at + 1]?.label === "?" ? tokens[at + 2] : tokens[at + 1];
    if (label !== "name" || tokens[at - 1]?.label === "." || follower?.label === ":" || needed.has(name)) continue;
    const reason = findType(name, source, needed);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Names that are declared nowhere here are those of the language. */
function findType(name: string, source: TypeSource, needed: Map<string, string>): string | undefined {
  const declaration = source.declarations.get(name);
  if (declaration !== undefined) {
    needed.set(name, declaration.text);
    return findTypes(declaration, source, needed);
  }
  const imported = source.imports.get(name);
  if (imported === undefined) return undefined;
  const path = source.resolve(imported.from);
  if (path === undefined) return `${name} comes from the package ${imported.from}`;
  const theirs = new TypeSource(path);
  if (imported.name !== name || !(theirs.declarations.has(name) || theirs.imports.has(name)))
    return `${name} is not declared under this name in ${basename(path)}`;
  return findType(name, theirs, needed);
}

/** Two files may call two things by one name. */
function clashOf(needed: ReadonlyMap<string, string>, taken: ReadonlyMap<string, string>): string | undefined {
  for (const [name, text] of needed) {
    const other = taken.get(name);
    if (other !== undefined && other !== text) return `there are two types with the name ${name}`;
  }
  return undefined;
}
