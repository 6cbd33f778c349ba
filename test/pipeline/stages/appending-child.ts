/** Adds so many turns to one conversation of a store: node appending-child.ts file name count. */
import { SqliteStateStore } from "../../../src/pipeline/index.ts";

const [file, name, count] = process.argv.slice(2) as [string, string, string];
const store = new SqliteStateStore(file);
for (let i = 0; i < Number(count); i++) {
  await store.append("a", [
    { role: "user", text: `${name} ${i}?` },
    { role: "assistant", text: `${name} ${i}!` },
  ]);
}
await store.close();
