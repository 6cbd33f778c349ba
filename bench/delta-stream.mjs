import { defineStep } from "../dist/src/index.js";

/** A step that publishes as many pieces of text as it is asked for. */
export const stream = defineStep({
  name: "stream",
  kind: "text",
  async *run(count, { publish }) {
    for (let i = 0; i < count; i++) await publish({ type: "partial", delta: `word${i % 100} ` });
    yield count;
  },
});
