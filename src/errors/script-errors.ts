import { EXIT } from "./exit-codes.ts";
import type { ErrorEntry } from "./error-entry.ts";

/** What goes wrong in a script, in its steps and in what it may use. */
export const scriptErrors = {
  ERR_SCRIPT_LOAD: {
    name: "SyntaxError, Error",
    meaning: "The script does not parse, or a module that it imports is missing or cannot be read.",
    advice: "Look at the file, line and column that the message names.",
    exit: EXIT.load,
  },
  ERR_SCRIPT_STALLED: {
    name: "Error",
    meaning: "The script awaits a promise, and no timer, run or operation is pending that could settle it.",
    advice: "Look for an `await` of something that was never started, or that was cancelled.",
    exit: EXIT.uncaught,
  },
  ERR_TYPES: {
    name: "TypeError",
    meaning: "Code that was given to a code tool does not fit the types of what it uses. Nothing of it has run.",
    advice: "Mend the places that `problems` names, or make the tool with `check: false`.",
    exit: EXIT.uncaught,
  },
  ERR_STEP: {
    name: "StepError",
    meaning:
      "A step failed for a reason that has no code of its own, such as an error that a function of the step threw.",
    advice: "Read the message and the `cause` of the error.",
    exit: EXIT.uncaught,
  },
  ERR_STEP_ASYNC: {
    name: "StepError",
    meaning: "`startBlocking` met a function of the script that is asynchronous. The script waits, so it cannot go on.",
    advice: "Use `startAsync`, or make the function synchronous.",
    exit: EXIT.uncaught,
  },
  ERR_FETCH: {
    name: "TypeError",
    meaning: "`fetch` could not reach the server, the connection broke, or the server redirects where it may not.",
    advice: "Read the message. Where `isTransient` is true the same request may succeed later.",
    exit: EXIT.uncaught,
  },
  ERR_SECRET: {
    name: "PermissionError",
    meaning: "A request of `fetch` holds a secret that may not go to its host, or holds it outside of its headers.",
    advice: "Send the secret in a header to one of the hosts that its `hosts` name, by https.",
    exit: EXIT.permission,
  },
  ERR_TIMEOUT: {
    name: "TimeoutError",
    meaning: "A step, a tool call or a message handler took longer than the time that it was given.",
    advice: "Raise the time (`withTimeout`, `timeoutMs`), or do less in one call.",
    exit: EXIT.uncaught,
  },
  ERR_ABORTED: {
    name: "AbortError",
    meaning: "A run, a call or a whole script was cancelled: by `cancel()`, by an `AbortSignal`, or by the host.",
    advice: "Nothing, if you cancelled it. Catch the error where the script should go on.",
    exit: EXIT.uncaught,
  },
  ERR_VALIDATION: {
    name: "ValidationError",
    meaning: "An argument or an input does not have the shape that it must have, or cannot be copied to the host.",
    advice: "The message names the field. Functions, and objects that refer to themselves, cannot be copied.",
    exit: EXIT.uncaught,
  },
  ERR_SCHEMA: {
    name: "ValidationError",
    meaning: "A JSON schema (of a tool, a response format or a validator) cannot be used.",
    advice: "The message names the keyword. Leave it out, or write the schema in another way.",
    exit: EXIT.uncaught,
  },
  ERR_CONVERSATION: {
    name: "ConversationError",
    meaning: "A method of `Conversation` was called with something that does not fit: an unknown role, id or time.",
    advice: "The message says what was expected.",
    exit: EXIT.uncaught,
  },
  ERR_IMAGE_FORMAT: {
    name: "ConversationError",
    meaning: "An image is not a complete PNG, JPEG, WebP or GIF. The content decides, not the file's name.",
    advice: "Convert the image to one of these formats.",
    exit: EXIT.uncaught,
  },
  ERR_IMAGE_SIZE: {
    name: "ConversationError",
    meaning: "An image is larger than 20 MB.",
    advice: "Send a smaller image.",
    exit: EXIT.uncaught,
  },
  ERR_PERMISSION: {
    name: "PermissionError",
    meaning: "The script used a file, a host or a module that it may not use.",
    advice:
      "The message names the narrowest flag that allows it. Read it before you use it: the script chose the name.",
    exit: EXIT.permission,
  },
  ERR_AUDIT: {
    name: "PermissionError",
    meaning: "The audit cannot be written, so the use of a permission was refused.",
    advice: "Make the file that `GEPPETTO_AUDIT` names writable; in a host app, look at what `onPermission` throws.",
    exit: EXIT.config,
  },
  ERR_INVALID_URL: {
    name: "TypeError",
    meaning: "A text is not a URL. Node has the same code.",
    advice: "Give an absolute URL, or a base as the second argument.",
    exit: EXIT.uncaught,
  },
  ERR_INVALID_TUPLE: {
    name: "TypeError",
    meaning: "`URLSearchParams` got a list whose items are not pairs. Node has the same code.",
    advice: "Give `[name, value]` pairs.",
    exit: EXIT.uncaught,
  },
  ERR_MISSING_ARGS: {
    name: "TypeError",
    meaning: "A function of the web platform was called without an argument that it needs. Node has the same code.",
    advice: "Give the argument that the message names.",
    exit: EXIT.uncaught,
  },
  ERR_ENCODING_NOT_SUPPORTED: {
    name: "RangeError",
    meaning: "`TextDecoder` does not know the encoding. Node has the same code.",
    advice: "Use `utf-8`, `utf-16le` or `latin1`.",
    exit: EXIT.uncaught,
  },
  ERR_ENCODING_INVALID_ENCODED_DATA: {
    name: "TypeError",
    meaning: "A `TextDecoder` with `fatal: true` met bytes that are not text in its encoding. Node has the same code.",
    advice: "Choose the right encoding, or leave `fatal` out.",
    exit: EXIT.uncaught,
  },
  ERR_ENGINE_CRASHED: {
    name: "StepError",
    meaning: "The JavaScript engine that ran the script died, for example in a native loop or for want of memory.",
    advice: "Nothing outside of the script was touched. In a host app, run the next script in a new engine.",
    exit: EXIT.crashed,
  },
  ERR_ENGINE_START: {
    name: "StepError",
    meaning:
      "No process for the script could be started: there is no room for one, or a part of the install is missing.",
    advice: "Free memory, processes or files, or raise their limits (`ulimit -u`, `-n`); install what the error names.",
    exit: EXIT.crashed,
  },
  ERR_ENGINE_CLOSED: {
    name: "StepError",
    meaning:
      "The engine or the pool was closed, or code in it has called `process.exit()` or was ended in the middle of a turn.",
    advice: "Make a new engine for the next script, or use EnginePool.",
  },
  ERR_HOST_TAINTED: {
    name: "ConfigError",
    meaning: "A thread of an earlier script cannot be ended, so this process takes no further script into a thread.",
    advice: 'Restart the process, or use `isolation: "process"`.',
  },
} satisfies Record<string, ErrorEntry>;
