import type { CacheableRequestOptions, Client, RequestOptions } from "@modelcontextprotocol/client";
import { estimateBytes } from "../base/estimate-bytes.ts";

/** Pages of one list, and what they may take together, in bytes. */
export const MAX_PAGES = 50;
const MAX_LIST_BYTES = 20_000_000;
export const LIST_TOO_LARGE = `has a list of more than ${MAX_LIST_BYTES} bytes`;

/**
 * A client for one list: it keeps pages only as long as they are small enough together. The package bounds their number,
 * and each may be as large as any message.
 */
export function forOneList(client: Client): Client {
  let left = MAX_LIST_BYTES;
  const ask = client.request.bind(client) as (...args: unknown[]) => Promise<unknown>;
  const request = async (...args: unknown[]): Promise<unknown> => {
    const page = await ask(...args);
    left -= estimateBytes(page, left);
    if (left < 0) throw new Error(LIST_TOO_LARGE);
    return page;
  };
  return Object.create(client, { request: { value: request } }) as Client;
}

/** Keeps nothing of an answer: the package would keep hundreds of resources for as long as a server says, however large. */
export function uncached(options: RequestOptions): CacheableRequestOptions {
  return { ...options, cacheMode: "bypass" };
}
