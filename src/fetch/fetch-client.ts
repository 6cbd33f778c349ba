import type { Dispatcher, Response } from "undici";
import type { Permissions } from "../permissions/permissions.ts";
import { fetchError, toFetchError } from "./fetch-error.ts";
import { type FetchRequest, MAX_HEADER_CHARS, tooManyHeaders } from "./fetch-request.ts";
import type { Secrets } from "./secrets.ts";

/** As many redirects as browsers follow. */
const MAX_REDIRECTS = 20;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What no other origin is to get of a request that is sent on to it. */
const CREDENTIALS = new Set(["authorization", "cookie"]);
/** What speaks of a body that is not sent on. */
const OF_BODY = /^content-(?:encoding|language|location|type)$/;

export interface FetchClientOptions {
  agent: Dispatcher;
  permissions: Permissions;
  secrets: Secrets;
}

/** An answer that has begun. */
export interface FetchedAnswer {
  response: Response;
  url: URL;
  isRedirected: boolean;
}

/** A header as the script gave it: what stands for a secret is put in its place for each address anew. */
interface Header {
  name: string;
  value: string;
}

/** @throws {GeppettoError} for a request that may not be made, or holds a secret where none is to be. */
export function checkRequest(
  { url, body }: FetchRequest,
  { permissions, secrets }: Pick<FetchClientOptions, "permissions" | "secrets">,
): void {
  secrets.refuseIn("URL", url.href);
  if (body !== undefined) secrets.refuseIn("body", body);
  permissions.checkFetch(url);
}

/**
 * Sends a request that {@link checkRequest} lets pass, and after it those that redirects ask for: their addresses are judged
 * here, each before anything is asked of it.
 *
 * @throws {GeppettoError} PermissionError; a TypeError with the code ERR_FETCH where the network fails.
 */
export async function sendRequest(
  request: FetchRequest,
  { agent, permissions, secrets }: FetchClientOptions,
  signal: AbortSignal,
): Promise<FetchedAnswer> {
  const { fetch } = await import("undici");
  let { url, method, body } = request;
  let headers: Header[] = request.headers.map(([name, value]) => ({ name, value }));
  if (!headers.some(({ name }) => name === "user-agent")) headers.push({ name: "user-agent", value: "geppetto-js" });
  for (let redirects = 0; ; redirects++) {
    let left = MAX_HEADER_CHARS;
    const revealed = headers.map((header) => {
      const shown = { header, ...secrets.reveal(header.value, url) };
      if ((left -= shown.value.length) < 0) throw tooManyHeaders();
      return shown;
    });
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: revealed.map(({ header, value }): [string, string] => [header.name, value]),
        redirect: "manual",
        dispatcher: agent,
        signal,
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      throw toFetchError(error);
    }
    const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
    if (location === null || request.redirect === "manual") return { response, url, isRedirected: redirects > 0 };
    await response.body?.cancel();
    if (request.redirect === "error") throw fetchError('the server redirects, and redirect is "error"');
    if (redirects >= MAX_REDIRECTS) throw fetchError(`the server redirects more than ${MAX_REDIRECTS} times`);
    const next = URL.parse(location, url);
    if (next === null) throw fetchError("the server redirects to something that is not a URL");
    next.hash = "";
    // Before anything is told of where it leads: that may be what the server has made of a secret.
    if (next.origin !== url.origin) secrets.refuseSentOn(location, next, url);
    permissions.checkFetch(next, url.host);
    if (next.origin !== url.origin) {
      headers = revealed.flatMap(({ header, isSecret }) => (isSecret || CREDENTIALS.has(header.name) ? [] : [header]));
    }
    if (response.status === 303 ? method !== "GET" && method !== "HEAD" : response.status < 303 && method === "POST") {
      method = "GET";
      body = undefined;
      headers = headers.filter(({ name }) => !OF_BODY.test(name));
    }
    url = next;
  }
}
