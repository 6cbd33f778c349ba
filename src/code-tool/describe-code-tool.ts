import type { ShortDeclarations, ToolCatalogue } from "./tool-catalogue.ts";

export interface DescriptionFacts {
  catalogue: ToolCatalogue;
  /** What the host says of it. */
  purpose: string;
  /** Declarations of what else there is; they are told whole. */
  types: string;
  isSession: boolean;
  mayFetch: boolean;
  maxTypesChars: number;
}

/** What a model is told of the tool: how to write the code, and what it may use. */
export function describeCodeTool(facts: DescriptionFacts): string {
  const { catalogue, purpose, types, isSession, mayFetch, maxTypesChars } = facts;
  const given = types.trim();
  const functions = catalogue.shortDeclarations(maxTypesChars);
  const parts = [
    "Runs JavaScript or TypeScript in a sandbox. Gives the value of its last expression or top-level return, and console " +
      "output. Top-level await works. Do several steps in one piece of code (loops, Promise.all) and return only what you need.",
    ...(purpose === "" ? [] : [purpose.trim()]),
    isSession
      ? "Variables, functions and classes stay from call to call, and may be declared again."
      : "Nothing stays from call to call.",
    `There are JavaScript's globals, timers, URL, crypto${mayFetch ? " and fetch" : ""}; no modules, files${mayFetch ? "" : " or network"}.`,
  ];
  const isWhole = functions.kind === "typescript";
  const declared = [given, ...(isWhole ? [functions.text] : [])].filter((one) => one !== "").join("\n");
  if (declared !== "")
    parts.push(`These functions are there as well; await their promises:\n\`\`\`ts\n${declared}\n\`\`\``);
  if (!isWhole) parts.push(describeFunctions(functions, [...catalogue.entries.keys()]));
  return parts.join("\n");
}

function describeFunctions({ kind, text }: ShortDeclarations, names: readonly string[]): string {
  const [name = ""] = names;
  if (kind === "names")
    return `These functions take one object each, and give promises:\n${text}\nRun code that ends with await describeTool(["${name}", …]) or await searchTools("words") for their types before you use them.`;
  return `Call await tools.${name}({…}); → says what they give, [] a list of it. A name without a type has the last one said for it, or is a string. More: await describeTool(names), await searchTools(words)\n${text}`;
}
