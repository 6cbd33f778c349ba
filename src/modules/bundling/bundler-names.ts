import { basename, dirname, extname } from "node:path";

/** Where modules lie in the eyes of the bundler: it finds and reads none of them itself. */
export const SCRIPT = "script";
export const MODULE = "module";
export const BUILTIN = "node";
export const REFUSED = "refused";
export const EMPTY = "empty";
export const GLOBALS = "globals";
export const START = "start";

/** The name of what gives packages the globals of Node's that they use. */
export const GLOBALS_NAME = "geppetto-js:globals";

/** Behind this a name goes on that tells the bundler that a module is an ES module as Node takes it. */
const AS_NODE = "|module/";

export function isCommonJs(name: string): boolean {
  return name.endsWith(".cjs");
}

/**
 * The bundler's name for an ES module as Node takes it: its default import of a CommonJS module is `module.exports`. The
 * bundler makes names of variables of the last part, or of the folder of an index.
 */
export function asNode(name: string): string {
  if (/\.(?:[cm][jt]s|json)$/.test(name)) return name;
  const stem = basename(name, extname(name));
  return `${name}${AS_NODE}${stem === "index" ? `${basename(dirname(name))}/` : ""}${stem}.mjs`;
}

/** What has been named by {@link asNode}; undefined for anything else. */
export function namedAsNode(path: string): string | undefined {
  const at = path.endsWith(".mjs") ? path.lastIndexOf(AS_NODE) : -1;
  return at < 0 ? undefined : path.slice(0, at);
}

/** The guest's name for what the bundler names so: a module, one of Node's, or the runtime's own. */
export function guestName(path: string): string {
  const at = path.indexOf(":");
  const [namespace, given] = [path.slice(0, at), path.slice(at + 1)];
  const name = namedAsNode(given) ?? given;
  if (namespace === SCRIPT || namespace === MODULE) return `file:///${name}`;
  return namespace === BUILTIN ? `node:${name}` : "geppetto:runtime";
}
