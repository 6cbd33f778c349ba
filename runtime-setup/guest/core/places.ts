/** Tells where the script is whenever it asks for something. A replay that looks for these places switches it on. */
import { OPS } from "../../../src/shared/contract/ops.ts";
import { StringIndexOf, StringLastIndexOf, StringSlice } from "../../../src/shared/primordials.ts";
import { ownStack } from "./errors.ts";
import { tellFirst, toCall } from "./kernel.ts";

const FILE = "file:///";

export function installPlaces(): void {
  tellFirst((note) => () => {
    const place = firstPlace(ownStack());
    if (place !== "") note(toCall(OPS.place_tell, { place }));
  });
}

/** The first place in a stack: "file:///a.js:3:5". */
function firstPlace(stack: string): string {
  const start = StringIndexOf(stack, FILE);
  if (start < 0) return "";
  const end = StringIndexOf(stack, "\n", start);
  const line = StringSlice(stack, start, end < 0 ? stack.length : end);
  const bracket = StringLastIndexOf(line, ")");
  return bracket < 0 ? line : StringSlice(line, 0, bracket);
}
