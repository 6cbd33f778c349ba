import { GeppettoError } from "../../shared/errors.ts";

type Fetch = typeof globalThis.fetch;

const MAX_REDIRECTS = 3;
/** Those after which the same request may be sent again. */
const REPEATABLE = new Set([301, 302, 307, 308]);
const REDIRECTS = new Set([...REPEATABLE, 303]);

/**
 * Sends a request, and sends it again where its server points to another address of its own. Key, headers and messages
 * never follow to another origin.
 *
 * @throws {GeppettoError} ProviderError ERR_PROVIDER_REDIRECT, with the new address, where they would have to.
 */
export async function fetchFromOrigin(
  fetch: Fetch,
  input: Parameters<Fetch>[0],
  init: RequestInit | undefined,
  provider: string,
): Promise<Response> {
  const origin = new URL(input instanceof Request ? input.url : input);
  let address = origin;
  for (let hops = 0; ; hops++) {
    const response = await fetch(hops === 0 ? input : address, { ...init, redirect: "manual" });
    const location = response.headers.get("location");
    if (!REDIRECTS.has(response.status) || location === null) return response;
    await response.body?.cancel();
    if (!URL.canParse(location, address)) throw refused(provider, "its address cannot be read");
    address = new URL(location, address);
    // The query may hold secrets of the server's.
    const shown = `${address.origin}${address.pathname}`.slice(0, 200);
    if (address.origin !== origin.origin) {
      throw refused(
        provider,
        `the server points to ${shown}, which is another origin; use that as the base URL if you trust it`,
      );
    }
    if (!REPEATABLE.has(response.status))
      throw refused(provider, `the server points to ${shown} with status ${response.status}`);
    if (hops >= MAX_REDIRECTS) throw refused(provider, `the server points on and on, last to ${shown}`);
  }
}

function refused(provider: string, text: string): GeppettoError {
  return new GeppettoError("ProviderError", `${provider}: redirect refused: ${text}`, {
    code: "ERR_PROVIDER_REDIRECT",
  });
}
