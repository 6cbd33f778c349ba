import { type Settings, VENDOR_VARIABLES } from "../../config.ts";
import { SECRET_NAMES } from "../session/run-start.ts";

/**
 * What nobody is to read in a log or a golden: keys and headers of the settings, vendors' keys, and variables that the
 * script may see and whose names say that they are secret.
 *
 * @param own variables of the script's own.
 */
export function secretsOf(
  { chat, embeddings, permissions }: Settings,
  env: NodeJS.ProcessEnv,
  own: Readonly<Record<string, string>> = {},
): string[] {
  const given = [chat, embeddings].flatMap(({ apiKey = "", headers = {} }) => [apiKey, ...Object.values(headers)]);
  const named = given.map((text) => (text.startsWith("env:") ? (env[text.slice("env:".length)] ?? "") : text));
  const { env: visible = [] } = permissions;
  const names = [...VENDOR_VARIABLES, ...(visible === true ? Object.keys(env) : visible)];
  const secret = names.filter((name) => SECRET_NAMES.test(name)).map((name) => env[name] ?? "");
  const printed = Object.entries(own).filter(([name]) => SECRET_NAMES.test(name));
  return [...named, ...secret, ...printed.map(([, value]) => value)];
}
