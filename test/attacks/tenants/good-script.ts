import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What a script gives that needs tools, schemas, imports, embeddings and pipelines, and has them all. */
export const GOOD_VALUE = ["it said ULM3", 12, [3, 3, 5, 5, 7, 7]];

/** Such a script. No two are the same, so each is put together anew. */
export function goodScript(folder: string, n: number): { name: string; code: string; folder: string } {
  const code = `import { shout } from "./shout.js"; // ${n}
    const properties = { city: { type: "string", pattern: "^[A-Z]" }, days: { type: "integer", maximum: 9 } };
    const input = { type: "object", properties, required: ["city"] };
    const answer = await chat("How long?", { tools: [{ name: "x", input, run: ({ city, days }) => shout(city) + days }] });
    const vector = await embeddings.generateEmbeddingAsync(answer);
    const addOne = steps.createLambdaStep((n) => n + 1);
    const numbers = await pipeline.chain((n) => n * 2, (n) => [n, n], addOne).startAsync([1, 2, 3]);
    export default [answer, vector[0], [...numbers]];`;
  return { name: "good.js", code, folder };
}

/** What the scripts of both tenants import. */
export async function writeModules(folder: string): Promise<void> {
  await writeFile(join(folder, "shout.js"), "export const shout = (text) => String(text).toUpperCase();");
  const many = Array.from({ length: 150_000 }, (_, i) => `let k${i} = ${i};`).join("\n");
  await writeFile(join(folder, "many.js"), `import "./large.js";\n${many}`);
  await writeFile(join(folder, "large.js"), `export const all = [${"{ a: 1, b: [2, 3] },".repeat(350_000)}];`);
}
