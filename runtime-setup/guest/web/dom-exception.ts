import {
  captureStackTrace,
  defineHidden,
  ObjectDefineProperty,
  SafeError,
  SafeString,
  StringIncludes,
} from "../../../src/shared/primordials.ts";
import { defineClass } from "./define-class.ts";
import { toDomString } from "./web-strings.ts";

/** Names of the web platform that have an old number; every other name has the code 0. */
const LEGACY_CODES = {
  __proto__: null,
  IndexSizeError: 1,
  HierarchyRequestError: 3,
  WrongDocumentError: 4,
  InvalidCharacterError: 5,
  NoModificationAllowedError: 7,
  NotFoundError: 8,
  NotSupportedError: 9,
  InUseAttributeError: 10,
  InvalidStateError: 11,
  SyntaxError: 12,
  InvalidModificationError: 13,
  NamespaceError: 14,
  InvalidAccessError: 15,
  TypeMismatchError: 17,
  SecurityError: 18,
  NetworkError: 19,
  AbortError: 20,
  URLMismatchError: 21,
  QuotaExceededError: 22,
  TimeoutError: 23,
  InvalidNodeTypeError: 24,
  DataCloneError: 25,
} as unknown as Record<string, number | undefined>;

/** Is this a DOMException? Decided by brand. */
export let isDomException: (value: object) => value is DOMException;

/** The error class of the web platform. `options` is its name, or `{name, cause}`. */
export class DOMException extends SafeError {
  #name: string;

  constructor(message: unknown = "", options: unknown = "Error") {
    super(toDomString(message));
    const details =
      typeof options === "object" && options !== null ? (options as { name?: unknown; cause?: unknown }) : undefined;
    const name = details === undefined ? options : details.name;
    this.#name = name === undefined ? "Error" : toDomString(name);
    if (details !== undefined && "cause" in details) {
      ObjectDefineProperty(this, "cause", {
        value: details.cause,
        writable: true,
        enumerable: false,
        configurable: true,
      });
    }
    captureStackTrace(this, new.target);
  }

  override get name(): string {
    return #name in this ? this.#name : "Error";
  }

  get code(): number {
    return LEGACY_CODES[this.#name] ?? 0;
  }

  static {
    isDomException = (value): value is DOMException => #name in value;
  }
}

/**
 * Gives a DOMException that a run is rejected with what all errors of runs have, where it lacks it; nothing of it is
 * enumerated. All else stays as it is.
 */
export function asRunError(reason: unknown): unknown {
  if (typeof reason !== "object" || reason === null || !isDomException(reason)) return reason;
  try {
    if (!("includes" in reason)) {
      defineHidden(reason, "includes", (text: unknown) => StringIncludes(SafeString(reason.message), SafeString(text)));
    }
    if (!("isTransient" in reason)) defineHidden(reason, "isTransient", false);
  } catch {
    // Frozen.
  }
  return reason;
}

const CONSTANTS = [
  "INDEX_SIZE_ERR",
  "DOMSTRING_SIZE_ERR",
  "HIERARCHY_REQUEST_ERR",
  "WRONG_DOCUMENT_ERR",
  "INVALID_CHARACTER_ERR",
  "NO_DATA_ALLOWED_ERR",
  "NO_MODIFICATION_ALLOWED_ERR",
  "NOT_FOUND_ERR",
  "NOT_SUPPORTED_ERR",
  "INUSE_ATTRIBUTE_ERR",
  "INVALID_STATE_ERR",
  "SYNTAX_ERR",
  "INVALID_MODIFICATION_ERR",
  "NAMESPACE_ERR",
  "INVALID_ACCESS_ERR",
  "VALIDATION_ERR",
  "TYPE_MISMATCH_ERR",
  "SECURITY_ERR",
  "NETWORK_ERR",
  "ABORT_ERR",
  "URL_MISMATCH_ERR",
  "QUOTA_EXCEEDED_ERR",
  "TIMEOUT_ERR",
  "INVALID_NODE_TYPE_ERR",
  "DATA_CLONE_ERR",
];

/** Defines `DOMException` with its constants. */
export function installDomException(): void {
  for (let i = 0; i < CONSTANTS.length; i++) {
    const descriptor = { value: i + 1, enumerable: true };
    ObjectDefineProperty(DOMException, CONSTANTS[i]!, descriptor);
    ObjectDefineProperty(DOMException.prototype, CONSTANTS[i]!, descriptor);
  }
  defineClass("DOMException", DOMException, { lengths: { constructor: 0 } });
}
