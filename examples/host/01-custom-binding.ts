// A host app with bindings of its own: a function that scripts call, a step that they run, a value that they read.
// Build first (npm run build), then: node examples/host/01-custom-binding.ts
import { defineStep, RuntimeEngine, setupDefaults, type Vm } from "geppetto-js";
import { z } from "zod";

const stock = new Map([
  ["apples", 12],
  ["pears", 0],
]);

/** Counts the words of a text; anything but a string is refused before `run` sees it. */
const countWords = defineStep({
  name: "count-words",
  input: z.string(),
  async *run(text) {
    yield text.split(/\s+/).length;
  },
});

/** A setup function: runs once, when the engine starts. */
async function setupShop(vm: Vm): Promise<void> {
  await vm.set("shop", { name: "Corner shop" });
  await vm.op("shop.inStock", async (item: unknown) => stock.get(String(item)) ?? 0);
  await vm.registerStep("countWords", countWords);
}

await using engine = new RuntimeEngine({ limits: { wallMs: 10_000 }, setup: [setupDefaults(), setupShop] });
await engine.start();

const outcome = await engine.runScript({
  name: "order.js",
  code: `
    console.log(shop.name);
    for (const item of ["apples", "pears"]) console.log(item, await shop.inStock(item));
    const [words] = await countWords.startAsync("three small words");
    const refused = await countWords.startAsync(42).catch((error) => error.message);
    export default { words, refused };
  `,
});

// How a script fails is a value, not an exception.
if (outcome.ok) console.log("result:", outcome.value);
else console.error("failed:", outcome.error?.message);
