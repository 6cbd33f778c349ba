/** The guest runtime's entry: everything that runs inside the isolate is bundled from here. */
export { start } from "./core/start.ts";
