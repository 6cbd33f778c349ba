import { extname } from "node:path";
import type { Loader } from "esbuild";

const LOADERS: Record<string, Loader> = {
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
  ".jsx": "jsx",
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".json": "json",
};

/** How a module of this name is written; undefined for a kind that scripts cannot import. */
export function loaderFor(name: string): Loader | undefined {
  return LOADERS[extname(name)];
}
