import { setImmediate as pause } from "node:timers/promises";
import { currentCall, type McpSource } from "../../../src/index.ts";
import type { Effects } from "./lasting-fixture.ts";

const EFFECTS = { look: "none", stamp: "keyed", send: "once" } as const;

/** Tools of a server `mcp.app`: what each does is counted. */
export function lastingServer(effects: Effects): McpSource {
  return {
    servers: [{ name: "app", identifier: "app" }],
    effectOf: async ({ tool }) => (await pause(), EFFECTS[tool as keyof typeof EFFECTS]),
    async *call({ tool, args: { text } }) {
      await pause();
      yield { type: "progress", progress: { value: 1, total: 2 } };
      await pause();
      if (tool === "stamp") effects.keyed.set(currentCall()!.idempotencyKey ?? "", `stamped ${String(text)}`);
      if (tool === "send") effects.noteOnce(String(text));
      yield { result: tool === "look" ? undefined : `${tool} ${String(text)}` };
    },
    ask: async (question) => (await pause(), [question.kind]),
  };
}
