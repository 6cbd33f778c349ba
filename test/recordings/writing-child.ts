/** Writes to a cache or a cassette that other processes write to as well. */
import { Cassette, DiskCacheStore } from "../../src/recordings/index.ts";
import { hashParts } from "../../src/recordings/cache/hash-parts.ts";

const [what, place, name, count] = process.argv.slice(2) as [string, string, string, string];
const names = Array.from({ length: Number(count) }, (_, i) => `${name}${i}`);

if (what === "cache") {
  const store = new DiskCacheStore(place);
  const keep = (key: string, result: unknown): Promise<void> =>
    store.set(hashParts([key]), {
      type: "double",
      trace: [
        { meta: { messageId: "m", parentId: "", engine: "" }, emission: { type: "partial", delta: "x" } },
        { result },
      ],
      end: { facts: { usage: { inputTokens: 1 } } },
    });
  for (const each of names) {
    await keep(each, each);
    await keep("common", name);
  }
} else {
  await using cassette = await Cassette.open(place);
  for (const each of names) {
    await cassette.claim()({
      request: { provider: "demo", model: "demo", messages: [{ role: "user", content: each }] },
      chunks: [
        { type: "text", delta: each },
        { type: "end", stopReason: "stop", providerStopReason: null, engine: "demo" },
      ],
      end: "complete",
    });
    process.send!(each);
  }
}
