import { type DefaultsSettings, setupDefaults, setupTools, type ToolSetup } from "../../src/index.ts";
import { withEngine } from "../engine/engine-harness.ts";

export interface ChatRunOptions extends DefaultsSettings {
  tools?: Record<string, ToolSetup>;
  isolation?: "thread" | "process";
}

export interface ChatRunResult {
  value: unknown;
  error: { name: string; code?: string; message: string } | undefined;
  printed: string;
}

/** Runs a script against the demo model, or against what `chat` names, and checks that nothing of it is left. */
export async function runChat(code: string, options: ChatRunOptions = {}): Promise<ChatRunResult> {
  const { tools = {}, isolation = "thread", ...chat } = options;
  let result!: ChatRunResult;
  const setup = [setupTools(tools), setupDefaults({ chat: { provider: "embedded", deltaMs: 0 }, ...chat })];
  await withEngine({ isolation, setup }, async ({ run, output }) => {
    const { value, error } = await run(code);
    result = { value, error, printed: output.out + output.err };
  });
  return result;
}
