import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "src");

/** The declaration files of a script's globals, by name. */
export function declarationFiles(): Map<string, string> {
  const names = readdirSync(folder).filter((name) => /^globals.*\.d\.ts$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** Names of the globals that the files declare. */
export function declaredNames(): string[] {
  const names = [...declarationFiles().values()].flatMap((text) =>
    [...text.matchAll(/^declare (?:function|const) (\w+)/gm)].map(([, name]) => name!),
  );
  return [...new Set(names)].sort();
}

export interface Example {
  /** File and line. */
  place: string;
  code: string;
  /** The code with its `// → value` comments turned into calls of `expectValue`. */
  asserting: string;
}

/** The `@example`s of the docstrings. */
export function examples(): Example[] {
  const found: Example[] = [];
  for (const [name, text] of declarationFiles()) {
    for (const match of text.matchAll(/@example(.*?)\*\//gs)) {
      const code = match[1]!
        .split("\n")
        .map((line) => line.replace(/^\s*\*? ?/, ""))
        .join("\n")
        .trim();
      const line = text.slice(0, match.index).split("\n").length;
      const asserting = code.replace(/^(.+); \/\/ → (.+)$/gm, "expectValue($1, $2);");
      found.push({ place: `${name}:${line}`, code, asserting });
    }
  }
  return found;
}

/** What the compiler says of these files, checked as strict scripts with the globals and nothing else. "" when nothing. */
export function checkScripts(files: Record<string, string>): string {
  const scripts = mkdtempSync(join(tmpdir(), "globals-"));
  try {
    for (const [name, code] of Object.entries(files)) writeFileSync(join(scripts, name), code);
    const compilerOptions = {
      allowJs: true,
      checkJs: true,
      noEmit: true,
      strict: true,
      noImplicitAny: false,
      target: "es2024",
      module: "esnext",
      moduleResolution: "bundler",
      lib: ["es2024"],
      types: [],
    };
    const include = [join(folder, "globals.d.ts"), ...Object.keys(files)];
    writeFileSync(join(scripts, "tsconfig.json"), JSON.stringify({ compilerOptions, files: include }));
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", scripts], {
      encoding: "utf8",
    });
    return "";
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout);
  } finally {
    rmSync(scripts, { recursive: true });
  }
}
