import {
  type ChatSettings,
  type PermissionOptions,
  type PermissionUse,
  setupDefaults,
  setupTools,
  type ToolSetup,
} from "../../src/index.ts";
import { withEngine } from "../engine/engine-harness.ts";

export interface ChatRunOptions extends ChatSettings {
  tools?: Record<string, ToolSetup>;
  isolation?: "thread" | "process";
  permissions?: PermissionOptions;
  onPermission?: (use: PermissionUse) => void;
  /** Where relative paths start from. */
  folder?: string;
  deterministic?: boolean;
}

export interface ChatRunResult {
  value: unknown;
  error: { name: string; code?: string; message: string } | undefined;
  printed: string;
}

/** Runs a script against the demo model, or against what `chat` names, and checks that nothing of it is left. */
export async function runChat(code: string, options: ChatRunOptions = {}): Promise<ChatRunResult> {
  const { tools = {}, isolation = "thread", permissions = {}, onPermission, folder, ...rest } = options;
  const { deterministic = false, ...chat } = rest;
  let result!: ChatRunResult;
  const setup = [setupTools(tools), setupDefaults({ chat: { provider: "embedded", deltaMs: 0 }, ...chat })];
  const heard = onPermission === undefined ? {} : { onPermission };
  await withEngine({ isolation, setup, permissions, deterministic, ...heard }, async ({ engine, output }) => {
    const { value, error } = await engine.runScript({ code, ...(folder === undefined ? {} : { folder }) });
    result = { value, error, printed: output.out + output.err };
  });
  return result;
}
