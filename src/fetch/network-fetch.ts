import type { Dispatcher } from "undici";
import type { Permissions } from "../permissions/permissions.ts";
import type { GeppettoError } from "../shared/errors.ts";
import { checkRequest, sendRequest } from "./fetch-client.ts";
import type { FetchRequest } from "./fetch-request.ts";
import type { FetchAnswer, FetchSource } from "./fetch-source.ts";
import { createGuardedAgent, type Lookup } from "./guarded-agent.ts";
import { OpenFetch, type FetchLimits } from "./open-fetch.ts";
import type { Secrets } from "./secrets.ts";
import { Unpacking } from "./unpacking.ts";

export interface NetworkFetchOptions {
  permissions: Permissions;
  secrets: Secrets;
  limits: FetchLimits;
  lookup: Lookup | undefined;
  tooMuch: (limit: keyof FetchLimits) => GeppettoError;
}

/** Asks the servers themselves. */
export class NetworkFetch implements FetchSource {
  readonly #options: NetworkFetchOptions;
  readonly #unpacking = new Unpacking();
  #agent: Promise<Dispatcher> | undefined;

  constructor(options: NetworkFetchOptions) {
    this.#options = options;
  }

  check(request: FetchRequest): void {
    checkRequest(request, this.#options);
  }

  async send(request: FetchRequest, signal: AbortSignal): Promise<FetchAnswer> {
    const { permissions, secrets, limits, lookup, tooMuch } = this.#options;
    const { patterns } = secrets;
    const open = new OpenFetch(limits, patterns, tooMuch);
    signal.addEventListener("abort", () => open.end(signal.reason), { once: true });
    try {
      this.#agent ??= createGuardedAgent(lookup);
      const agent = this.#unpacking.dispatcherFor(await this.#agent, (release) => open.onEnd(release));
      const { response, url, isRedirected } = await sendRequest(request, { agent, permissions, secrets }, open.signal);
      const hasBody = response.body !== null && request.method !== "HEAD";
      if (hasBody) open.begin(response.body.getReader());
      else open.end(undefined);
      const head = {
        url: patterns.clean(url.href),
        status: response.status,
        statusText: patterns.clean(response.statusText),
        headers: [...response.headers]
          .filter(([name]) => !patterns.isIn(name))
          .map(([name, value]): [string, string] => [name, patterns.clean(value)]),
        isRedirected,
        hasBody,
      };
      return { head, next: () => open.next(), end: (reason) => open.end(reason) };
    } catch (error) {
      const reason: unknown = open.signal.aborted ? open.signal.reason : secrets.cleaned(error);
      open.end(reason);
      throw reason;
    }
  }

  /** Ends all connections. */
  async end(): Promise<void> {
    await (await this.#agent)?.destroy();
  }
}
