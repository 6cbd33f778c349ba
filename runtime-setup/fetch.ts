import { askOutside, type CallEffect } from "../src/base/calls/outside.ts";
import type { Engine, SetupFunction } from "../src/engine/engine.ts";
import { parseFields } from "../src/engine/guest-messages.ts";
import { limitError } from "../src/engine/limits.ts";
import { fetchError } from "../src/fetch/fetch-error.ts";
import { parseFetchRequest } from "../src/fetch/fetch-request.ts";
import type { FetchAnswer, FetchSource } from "../src/fetch/fetch-source.ts";
import { FETCH, parseGivenAnswer } from "../src/fetch/given-answer.ts";
import type { Lookup } from "../src/fetch/guarded-agent.ts";
import { NetworkFetch } from "../src/fetch/network-fetch.ts";
import type { FetchLimits } from "../src/fetch/open-fetch.ts";
import { Secrets, type Secret } from "../src/fetch/secrets.ts";
import { OPS, type FetchHead } from "../src/shared/contract/ops.ts";
import type { GeppettoError } from "../src/shared/errors.ts";
import { refuseWrong, type FieldsOf } from "../src/shared/wrong-option.ts";

export interface FetchSettings {
  /** What scripts can have sent in headers to some hosts, and never see: `secrets.NAME` stands for it. */
  secrets?: Readonly<Record<string, Secret>>;
  /** Finds the addresses of a name; default `dns.lookup`. */
  lookup?: Lookup;
  /** Put around what asks servers, for example to record their answers or to give recorded ones. */
  wrapFetch?: (network: FetchSource) => FetchSource;
}

export const FETCH_FIELDS: FieldsOf<FetchSettings> = { secrets: true, lookup: true, wrapFetch: true };

/** The id of an answer of which nothing is read. */
const NOT_OPEN = 0;

/** Answers that one attempt at an execution numbers. */
const MAX_IDS = 2 ** 32;

/** A request of a script's, from its sending to the end of its answer. */
interface Exchange {
  effect: CallEffect;
  abort: AbortController;
  answer?: FetchAnswer;
}

/** Serves the requests of one engine's scripts. */
class FetchServer {
  readonly #engine: Engine;
  readonly #source: FetchSource;
  readonly #open = new Map<number, Exchange>();
  #lastId = 0;

  constructor(engine: Engine, source: FetchSource) {
    this.#engine = engine;
    this.#source = source;
  }

  async send(args: unknown, effect: CallEffect, signal: AbortSignal): Promise<FetchHead> {
    const request = parseFetchRequest(parseFields(args));
    const { fetches } = this.#engine.limits;
    if (this.#open.size >= fetches) throw limitError("fetches", fetches);
    this.#source.check(request);
    // Answers of an earlier attempt are not those of this one.
    const id = ++this.#lastId + ((this.#engine.execution?.attempt ?? 1) - 1) * MAX_IDS;
    const exchange: Exchange = { effect, abort: new AbortController() };
    this.#open.set(id, exchange);
    signal.addEventListener("abort", () => this.#end(id, exchange, signal.reason), { once: true });
    const { signal: ended } = exchange.abort;
    try {
      const answer = (exchange.answer = await this.#source.send(request, ended));
      ended.throwIfAborted();
      if (!answer.head.hasBody) this.#end(id, exchange, undefined);
      return { id, ...answer.head };
    } catch (error) {
      const reason: unknown = ended.aborted ? ended.reason : error;
      this.#end(id, exchange, reason);
      throw reason;
    }
  }

  /** Does it belong to a request that is not sent again? What was read of its answer is kept with it. */
  isOfEffect(args: unknown): boolean {
    return this.#open.get(idOf(args))?.effect !== "none";
  }

  async read(args: unknown): Promise<Uint8Array | null> {
    const id = idOf(args);
    const exchange = this.#open.get(id);
    if (exchange?.answer === undefined) throw this.#lost();
    try {
      const bytes = await exchange.answer.next();
      if (bytes !== undefined) return new Uint8Array(bytes);
      this.#open.delete(id);
      return null;
    } catch (error) {
      this.#end(id, exchange, error);
      throw error;
    }
  }

  /** An answer that an earlier attempt at the execution was reading has ended with its process. */
  #lost(): GeppettoError {
    const { execution } = this.#engine;
    if (execution === undefined || execution.attempt === 1) return fetchError("the answer is not open any more");
    return fetchError("the answer was interrupted: the process that received it has ended", { isTransient: true });
  }

  close(args: unknown): void {
    const id = idOf(args);
    const exchange = this.#open.get(id);
    if (exchange !== undefined) this.#end(id, exchange, undefined);
  }

  /** The script is over. */
  reset(): void {
    for (const [id, exchange] of this.#open) this.#end(id, exchange, undefined);
  }

  #end(id: number, { abort, answer }: Exchange, reason: unknown): void {
    this.#open.delete(id);
    answer?.end(reason);
    abort.abort(reason);
  }
}

function idOf(args: unknown): number {
  return parseFields(args)["id"] as number;
}

const READING_METHODS: readonly unknown[] = ["GET", "HEAD", "OPTIONS"];
/** By the rules of HTTP, a second one changes nothing. */
const REPEATABLE_METHODS: readonly unknown[] = ["PUT", "DELETE"];

/** What a second request would mean, where it is not known whether the first one has arrived. */
function effectOf(args: unknown): CallEffect {
  const { method, headers } = parseFields(args);
  if (READING_METHODS.includes(method)) return "none";
  const isKeyed =
    Array.isArray(headers) && headers.some((header) => /^idempotency-key$/i.test(String((header as unknown[])?.[0])));
  return isKeyed || REPEATABLE_METHODS.includes(method) ? "keyed" : "once";
}

/**
 * `fetch`, `Headers`, `Request`, `Response` and `secrets` for scripts. Where they may fetch from is decided by the
 * engine's permission `net`; nothing, where that is not given.
 *
 * @throws {GeppettoError} ConfigError that names a secret which cannot be used.
 */
export function setupFetch(settings: FetchSettings = {}): SetupFunction {
  refuseWrong("set up fetch", settings, FETCH_FIELDS);
  const { secrets = {}, lookup, wrapFetch = (network) => network } = settings;
  return function fetch(vm, engine) {
    const kept = new Secrets(secrets);
    const { limits, permissions } = engine;
    const tooMuch = (limit: keyof FetchLimits): GeppettoError => limitError(limit, limits[limit]);
    const network = new NetworkFetch({ permissions, secrets: kept, limits, lookup, tooMuch });
    const server = new FetchServer(engine, wrapFetch(network));
    vm.host.setOp(OPS.fetch_send, (args, { signal }) => {
      const effect = effectOf(args);
      const toAnswer = (given: unknown): FetchHead => {
        return { id: NOT_OPEN, ...parseGivenAnswer(given, String(parseFields(args)["url"])) };
      };
      return askOutside({ name: FETCH, effect, args: [args], signal, toAnswer }, () =>
        server.send(args, effect, signal),
      );
    });
    vm.host.setOp(OPS.fetch_read, (args, { signal }) => {
      const part = server.isOfEffect(args) ? { args: [args], isPart: true } : {};
      return askOutside({ name: "the answer of fetch", effect: "none", signal, ...part }, () => server.read(args));
    });
    vm.host.setOp(OPS.fetch_close, (args) => server.close(args));
    vm.host.setOp(OPS.secret_refuse, (args) => {
      throw kept.unknown(String(parseFields(args)["name"]));
    });
    vm.host.onReset(() => server.reset());
    engine.onClose(async () => {
      server.reset();
      await network.end();
    });
    vm.host.later(vm.install("fetch", { secrets: kept.placeholders() }));
  };
}
