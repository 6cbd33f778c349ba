import { mcpServerValues, referencesOf, type Settings, userKeyStore, VENDOR_VARIABLES } from "../../config.ts";
import { SECRET_NAMES, secretsOfServers } from "../../files.ts";

/**
 * What nobody is to read in a log or a golden: keys and headers of the settings, vendors' keys, and variables that the
 * script may see and whose names say that they are secret.
 *
 * @param own variables of the script's own.
 */
export function secretsOf(
  { chat, embeddings, permissions, secrets = {}, mcp }: Settings,
  env: NodeJS.ProcessEnv,
  own: Readonly<Record<string, string>> = {},
): string[] {
  const given = [
    ...[chat, embeddings].flatMap(({ apiKey = "", headers = {} }) => [apiKey, ...Object.values(headers)]),
    ...[...Object.values(secrets).map(({ from }) => from), ...referencesOf(mcp)].filter((from) =>
      from.startsWith("env:"),
    ),
  ];
  const named = given.map((text) => (text.startsWith("env:") ? (env[text.slice("env:".length)] ?? "") : text));
  const { env: visible = [] } = permissions;
  const names = [...VENDOR_VARIABLES, ...(visible === true ? Object.keys(env) : visible)];
  const secret = names.filter((name) => SECRET_NAMES.test(name)).map((name) => env[name] ?? "");
  const printed = Object.entries(own).filter(([name]) => SECRET_NAMES.test(name));
  return [...named, ...secret, ...printed.map(([, value]) => value)];
}

/** Likewise what MCP servers get, which may show it to scripts: stored keys, headers and secret variables. */
export async function storedSecrets({ mcp }: Settings, env: NodeJS.ProcessEnv): Promise<string[]> {
  const names = referencesOf(mcp).flatMap((text) => (text.startsWith("key:") ? [text.slice("key:".length)] : []));
  const keys = userKeyStore(env);
  const found = await Promise.all(names.map((name) => keys.get(name)));
  const values = await mcpServerValues(mcp, env, keys);
  return [...found.flatMap((key) => key ?? []), ...secretsOfServers(values)];
}
