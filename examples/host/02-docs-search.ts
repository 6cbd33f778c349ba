// Semantic search over the project's own docs: the host reads a file and hands it over as input, the script finds the
// sections that mean most nearly what is asked. The embedded sentence model needs no key and no network.
import { readFileSync } from "node:fs";
import { RuntimeEngine, setupEmbeddings } from "geppetto-js";

const code = `
  const sections = input()
    .split(/^## /m)
    .slice(1)
    .map((text) => ({ title: text.slice(0, text.indexOf("\\n")), text }));
  const vectors = await embeddings.generateEmbeddings(sections.map(({ text }) => text.slice(0, 600)));

  for (const question of process.argv.slice(2)) {
    const wanted = await embeddings.generateEmbeddingAsync(question);
    const [best] = sections
      .map(({ title }, i) => ({ title, similarity: embeddings.cosineSimilarity(wanted, vectors[i]) }))
      .sort((a, b) => b.similarity - a.similarity);
    console.log(question, "→", best.title);
  }`;

await using engine = new RuntimeEngine({ setup: [setupEmbeddings()] });
await engine.start();
const outcome = await engine.runScript(
  { code, name: "search.js" },
  {
    input: readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8"),
    args: [
      "In which order do turns and timers come?",
      "Who hears of an error that nobody catches?",
      "What data may cross between host and guest?",
    ],
  },
);
if (!outcome.ok) throw new Error(outcome.error?.message);
