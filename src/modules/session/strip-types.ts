import type { BuildFailure } from "esbuild";
import { loaderFor } from "../loaders.ts";
import type { BrokenCode } from "./session-messages.ts";

/** JavaScript that was TypeScript, and the mappings of a source map back to that. */
export interface StrippedCode {
  code: string;
  mappings: string;
}

/** What stays of TypeScript where its types are left out. JavaScript that does not parse does not parse as TypeScript either. */
export async function stripTypes(name: string, code: string): Promise<StrippedCode | BrokenCode> {
  // Loaded on use: most of what runs in a session is JavaScript.
  const { transform } = await import("esbuild");
  try {
    const { code: stripped, map } = await transform(code, {
      loader: loaderFor(name) === "tsx" ? "tsx" : "ts",
      target: "es2024",
      // What a later run uses is not known yet: nothing that is imported is unused.
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
      sourcemap: "external",
      sourcesContent: false,
      keepNames: false,
      charset: "utf8",
      legalComments: "none",
      logLevel: "silent",
    });
    return { code: stripped, mappings: (JSON.parse(map) as { mappings: string }).mappings };
  } catch (error) {
    const [first] = (error as BuildFailure).errors ?? [];
    if (first === undefined) throw error;
    const { text: message, location } = first;
    const isIncomplete = /end of file|^Unterminated template|^Expected "\*\/"/.test(message);
    const { line = 1, column: bytes = 0, lineText = "" } = location ?? {};
    const column = Buffer.from(lineText).subarray(0, bytes).toString().length + 1;
    return { message, line, column, isTyped: true, isIncomplete };
  }
}
