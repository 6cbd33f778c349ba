/** Stores keys one after the other, and says of each when it is stored; until it is killed, or so many are. */
import { KeyStore } from "../../src/config/key-store.ts";

const [file, name, count] = process.argv.slice(2) as [string, string, string];
const store = new KeyStore(file);
for (let i = 0; i < Number(count); i++) {
  await store.set(`${name}-${i}`, `sk-${name}-${i}`);
  process.send!(`${name}-${i}`);
}
process.disconnect!();
