import type { Client, RequestOptions } from "@modelcontextprotocol/client";
import { limitTime, PersonWaits } from "../base/calls/person-waits.ts";
import { withRealTime } from "../base/time/time-source.ts";
import { abortable } from "../base/abortable.ts";
import { GeppettoError } from "../shared/errors.ts";
import { MAX_TIMER_MS } from "../shared/limits.ts";
import { type AnswerElicitation, ELICITATION, elicitationOf } from "./elicitation.ts";
import { clientInfo, loadClient } from "./load-client.ts";
import { explainedError, serverError, timeoutError } from "./mcp-error.ts";
import { guardMessages, type Progress, type ServerLog } from "./messages/message-guard.ts";
import { openTransport } from "./open-transport.ts";
import type { KnownServer } from "./server-settings.ts";
import { ToolList } from "./tool-list.ts";
import { showText } from "./untrusted-text.ts";
import { quietLists } from "./quiet-lists.ts";
import { forOneList, MAX_PAGES, uncached } from "./whole-lists.ts";

/** Who hears of a server beside those who ask it. */
export interface ConnectionHost {
  /** A line of its stderr, fit to be shown. */
  onOutput(server: string, line: string): void;
  /** It has ended by itself, or cannot be started: why, fit to be shown. */
  onLost(server: string, reason: string): void;
  /** Answers what a server asks of the user; where nobody does, servers are told that they cannot ask. */
  onElicit?: AnswerElicitation | undefined;
}

/** What one request is made with. */
export interface RequestCall {
  /** For errors: "call mcp.github.search". */
  what: string;
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Hears what the server logs as long as this request is the one that was made last. */
  onLog?: (log: ServerLog) => void;
  /** Runs a function in the context of whoever asks, as long as this request is the last one that does. */
  inContext?: RunInContext;
}

type RunInContext = <T>(fn: () => T) => T;

/** Asks by the protocol's package; with the token the server tells of progress. */
type Ask<T> = (client: Client, options: RequestOptions, progressToken: string) => Promise<T>;

/** A server that has been started. */
interface Live {
  client: Client;
  tools: Promise<ToolList> | undefined;
  /** Why it is of no use any more, where that is known. */
  fault: string | undefined;
}

/** Longest time in which a server has to be ready, in milliseconds. */
const START_MS = 30_000;
/** After so many ends within a minute it is not started again until the minute is over. */
const MAX_ENDS = 5;
const ENDS_WITHIN_MS = 60_000;
/** Longest line of its log that is told where nobody has asked, in characters. */
const MAX_LOGGED = 1_000;

/** One server: started when something is first asked of it, started again when it has died, ended by `close()`. */
export class Connection {
  readonly server: KnownServer;
  readonly #host: ConnectionHost;
  #opening: Promise<Live> | undefined;
  readonly #ends: number[] = [];
  /** What to do with progress, by the token that a request was sent with. */
  readonly #waiting = new Map<unknown, (progress: Progress) => void>();
  #lastToken = 0;
  /** The requests under way whose callers hear what the server logs. */
  readonly #listening = new Set<RequestCall>();
  /** What the server asks of the user: that is not its own time. */
  readonly #asked = new PersonWaits();
  /** Of the server that has been started last, or is being started. */
  #client: Client | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(server: KnownServer, host: ConnectionHost) {
    this.server = server;
    this.#host = host;
  }

  /**
   * Asks the server. What it does not do in time, or fails to do, is an error that says what was asked.
   *
   * @throws {GeppettoError} StepError ERR_MCP_SERVER or ERR_MCP_TOOL, TimeoutError ERR_MCP_TIMEOUT, ConfigError; the
   *   signal's reason when that is aborted.
   */
  async request<T>(call: RequestCall, ask: Ask<T>): Promise<T> {
    const { signal } = call;
    const live = await abortable(this.#open(call.what), signal);
    return this.#ask(live, call, ask);
  }

  async #ask<T>(live: Live, call: RequestCall, ask: Ask<T>): Promise<T> {
    const { what, signal, onProgress, onLog } = call;
    const { name, timeoutMs } = this.server;
    const token = `geppetto-${++this.#lastToken}`;
    const overdue = new AbortController();
    const onOver = (): void => overdue.abort(timeoutError(name, what, timeoutMs));
    const start = (): (() => void) => withRealTime(() => limitTime(timeoutMs, this.#asked, onOver));
    let stop = start();
    this.#waiting.set(token, (progress) => {
      stop();
      stop = start();
      onProgress?.(progress);
    });
    if (onLog !== undefined) this.#listening.add(call);
    const either = AbortSignal.any([signal, overdue.signal]);
    try {
      // Its own limit of time knows nothing of progress that is told here.
      return await abortable(ask(live.client, { signal: either, timeout: MAX_TIMER_MS }, token), either);
    } catch (error) {
      either.throwIfAborted();
      throw explainedError(error, { server: name, what, fault: live.fault });
    } finally {
      stop();
      this.#waiting.delete(token);
      this.#listening.delete(call);
    }
  }

  /** The tools that the server has: asked for once, and again when it says that they have changed. */
  async tools(what: string, signal: AbortSignal): Promise<ToolList> {
    const live = await abortable(this.#open(what), signal);
    // Others may wait for the same list: one who gives up does not end it.
    live.tools ??= this.#listTools(live, what).catch((error: unknown) => {
      live.tools = undefined;
      throw error;
    });
    return abortable(live.tools, signal);
  }

  async #listTools(live: Live, what: string): Promise<ToolList> {
    if (live.client.getServerCapabilities()?.tools === undefined) return new ToolList(this.server.identifier, []);
    const call = { what, signal: new AbortController().signal };
    const { tools } = await this.#ask(live, call, (client, options) =>
      forOneList(client).listTools(undefined, uncached(options)),
    );
    return new ToolList(this.server.identifier, tools);
  }

  /** Ends the server. Idempotent. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** One that is being started is not waited for: it may never be ready. */
  async #end(): Promise<void> {
    await this.#client?.close();
  }

  #open(what: string): Promise<Live> {
    const { name, missing } = this.server;
    if (this.#isClosed) throw serverError(name, what, "has been ended");
    if (missing !== undefined) {
      throw new GeppettoError("ConfigError", `Cannot ${what}: the MCP server "${name}" cannot be started: ${missing}`, {
        code: "ERR_CONFIG_SECRET",
      });
    }
    if (this.#opening === undefined) {
      this.#checkEnds(what);
      const opening = this.#start(what);
      this.#opening = opening;
      opening.catch(() => this.#forget(opening));
    }
    return this.#opening;
  }

  /** A server that dies again and again is left alone for a while: starting it costs this machine's time. */
  #checkEnds(what: string): void {
    const now = performance.now();
    while (this.#ends.length > 0 && now - this.#ends[0]! > ENDS_WITHIN_MS) this.#ends.shift();
    if (this.#ends.length < MAX_ENDS) return;
    throw serverError(
      this.server.name,
      what,
      `has ended ${MAX_ENDS} times within a minute, and is not started again yet`,
    );
  }

  #forget(opening: Promise<Live>): void {
    if (this.#opening !== opening) return;
    this.#opening = undefined;
    this.#ends.push(performance.now());
  }

  async #start(what: string): Promise<Live> {
    const { name } = this.server;
    const { Client, isSpecType: types } = await loadClient();
    const { transport, options, noteAnswer } = await openTransport(this.server, (line) =>
      this.#host.onOutput(name, line),
    );
    const client = new Client(clientInfo(), {
      capabilities: this.#host.onElicit === undefined ? {} : { elicitation: ELICITATION },
      listMaxPages: MAX_PAGES,
      // Schemas of servers are held against values in a process that may die, and not here.
      jsonSchemaValidator: {
        getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
      },
      ...options,
    });
    if (this.#isClosed) throw serverError(name, what, "has been ended");
    quietLists(client, (line) => this.#host.onOutput(name, line));
    this.#client = client;
    const live: Live = { client, tools: undefined, fault: undefined };
    const fault = (reason: string): void => {
      if (live.fault !== undefined) return;
      live.fault = reason;
      client.close().catch(() => {});
    };
    guardMessages(transport, {
      onFault: fault,
      onProgress: (token, progress) => this.#waiting.get(token)?.(progress),
      onLog: (log) => this.#tellLog(log),
      onAnswer: noteAnswer,
      types,
    });
    client.setNotificationHandler("notifications/tools/list_changed", () => void (live.tools = undefined));
    const { onElicit } = this.#host;
    if (onElicit !== undefined) {
      client.setRequestHandler("elicitation/create", ({ params }, { mcpReq }) =>
        this.#asked.during(() => this.#inLastContext(() => onElicit(elicitationOf(name, params), mcpReq.signal))),
      );
    }
    let isReady = false;
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the package has no other way
    client.onclose = () => {
      if (isReady) this.#onEnd(live);
    };
    try {
      await client.connect(transport, { timeout: START_MS });
    } catch (error) {
      await client.close().catch(() => {});
      throw explainedError(error, { server: name, what, fault: live.fault, startMs: START_MS });
    }
    isReady = true;
    if (client.getServerCapabilities()?.logging !== undefined && client.getProtocolEra() === "legacy") {
      // Which server sends what without it is its own choice; one that refuses has chosen.
      client.setLoggingLevel("info", { timeout: START_MS }).catch(() => {});
    }
    if (live.fault !== undefined) throw serverError(name, what, live.fault);
    if (client.transport === undefined) throw serverError(name, what, "has ended");
    return live;
  }

  /** In the context of whoever has asked last: the protocol does not always say for which request a server asks something. */
  #inLastContext<T>(fn: () => T): T {
    const { inContext } = [...this.#listening].at(-1) ?? {};
    return inContext === undefined ? fn() : inContext(fn);
  }

  /** To whoever has asked last: the protocol does not say what a line is about. */
  #tellLog(log: ServerLog): void {
    const last = [...this.#listening].at(-1);
    if (last?.onLog !== undefined) last.onLog(log);
    else this.#host.onOutput(this.server.name, showText(`${log.level}: ${JSON.stringify(log.data)}`, MAX_LOGGED));
  }

  #onEnd(live: Live): void {
    const opening = this.#opening;
    if (this.#isClosed || opening === undefined) return;
    this.#forget(opening);
    this.#host.onLost(this.server.name, live.fault ?? "has ended");
  }
}
