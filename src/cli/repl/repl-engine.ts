import { isatty } from "node:tty";
import { Budget, type RuntimeEngine, setupDefaults, type Session, type SessionOptions } from "../../index.ts";
import { loadSettings, type SessionSettings } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import type { Terminal } from "../output/terminal.ts";
import { consents } from "../consents/consents.ts";
import {
  budgetLimitsOf,
  createEngine,
  outsideOf,
  startEngine,
  timeOptions,
  wallsOf,
} from "../session/engine-options.ts";
import type { PermissionLog } from "../session/permission-log.ts";
import { serverOutput } from "../output/server-output.ts";
import { scriptSink } from "../session/script-sink.ts";

export interface ReplEngineOptions {
  options: ScriptOptions;
  configured: SessionSettings;
  terminal: Terminal;
  uses: PermissionLog;
  session: SessionOptions;
  /** Hears before each text that code prints. */
  onPrint(): void;
}

/** An engine with its session, made anew when its guest has gone; and the model that answers, which can be another later. */
export class ReplEngine {
  readonly #given: ReplEngineOptions;
  /** The engine reads it at each call of a model. */
  readonly #chat: SessionSettings["settings"]["chat"];
  readonly #budget: Budget;
  #engine: RuntimeEngine | undefined;
  #session: Session | undefined;
  /** It is begun before the first statement is there, which waits for it. */
  #opening: Promise<Session> | undefined;

  constructor(given: ReplEngineOptions) {
    this.#given = given;
    const { settings } = given.configured;
    this.#chat = { ...settings.chat };
    this.#budget = new Budget(budgetLimitsOf(settings.limits));
  }

  /** The model that answers, as `provider:model`. */
  get model(): string {
    const { provider, model = provider === "embedded" ? "demo" : "its default model" } = this.#chat;
    return `${provider}:${model}`;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** Has another model answer from now on. @throws {UsageError} for one that the configuration cannot have. */
  async useModel(model: string): Promise<void> {
    const { chat } = (await loadSettings({ ...this.#given.options, model })).settings;
    for (const key of Object.keys(this.#chat)) delete (this.#chat as unknown as Record<string, unknown>)[key];
    Object.assign(this.#chat, chat);
  }

  /** The session that there is; a new one where its guest has gone, or there is none yet. */
  async open(): Promise<Session> {
    if (this.#session !== undefined && this.#session.over === undefined) return this.#session;
    this.#opening ??= this.#openAnew().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async close(): Promise<void> {
    // What was wrong has been said to whoever has opened it.
    await this.#opening?.catch(() => {});
    await this.#engine?.close();
  }

  async #openAnew(): Promise<Session> {
    await this.#engine?.close();
    this.#engine = await this.#createEngine();
    await startEngine(this.#engine);
    this.#session = this.#engine.session(this.#given.session);
    return this.#session;
  }

  async #createEngine(): Promise<RuntimeEngine> {
    const { options, configured, terminal, uses, onPrint } = this.#given;
    const { untrusted, quiet } = options;
    const { embeddings, tools } = configured.settings;
    const { approve = "always", ...toolSettings } = tools;
    const isInteractive = isatty(0) && process.stderr.isTTY;
    const { onApprove, onElicit } = consents({ when: approve, terminal, isInteractive });
    const onServerOutput = serverOutput(options, (text) => terminal.note(text));
    const outside = await outsideOf(configured.settings, { untrusted, onServerOutput, onElicit });
    return createEngine({
      ...wallsOf(configured.settings, untrusted),
      ...timeOptions(options),
      onPermission: (use) => uses.note(use),
      console: scriptSink({ terminal: terminal.sink(), onPrint, onPromise: () => {} }),
      setup: [
        setupDefaults({
          chat: this.#chat,
          embeddings,
          budget: this.#budget,
          ...outside,
          ...(onApprove ? { onApprove } : {}),
          ...toolSettings,
          onNotice: (text) => void (quiet || terminal.note(text)),
        }),
      ],
    });
  }
}
