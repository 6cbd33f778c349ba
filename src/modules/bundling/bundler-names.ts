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

/** Tells the bundler by its name that a module is an ES module as Node takes it. */
const AS_NODE = "|.mjs";

export function isCommonJs(name: string): boolean {
  return name.endsWith(".cjs");
}

/** The bundler's name for an ES module as Node takes it: its default import of a CommonJS module is `module.exports`. */
export function asNode(name: string): string {
  return /\.(?:[cm][jt]s|json)$/.test(name) ? name : name + AS_NODE;
}

/** The guest's name for what the bundler names so: a module, one of Node's, or the runtime's own. */
export function guestName(path: string): string {
  const at = path.indexOf(":");
  const [namespace, given] = [path.slice(0, at), path.slice(at + 1)];
  const name = given.endsWith(AS_NODE) ? given.slice(0, -AS_NODE.length) : given;
  if (namespace === SCRIPT || namespace === MODULE) return `file:///${name}`;
  return namespace === BUILTIN ? `node:${name}` : "geppetto:runtime";
}
