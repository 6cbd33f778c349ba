import { abortable } from "../../base/abortable.ts";
import { GeppettoError } from "../../shared/errors.ts";
import {
  CONTENT_KINDS,
  contentOf,
  errorElement,
  isControl,
  type ContentKind,
  type StreamElement,
} from "../elements/element.ts";
import type { Stage } from "../stage.ts";
import { compileValidator, type Check, type Validator } from "./validators.ts";
import { refuseWrong, type FieldsOf } from "../../shared/wrong-option.ts";

export interface ValidationOptions {
  /** What the content of elements must be, by kind; several for one kind must all agree. "any" is asked of all kinds. */
  validators?: Readonly<Partial<Record<ContentKind | "any", Validator | readonly Validator[]>>>;
  /** Fewest and most characters of a text, or of a message's text. */
  minLength?: number;
  maxLength?: number;
  /** Fields that an element must have, for example "metadata.userId" or "message.role"; an empty text counts as missing. */
  required?: readonly string[];
  /**
   * What becomes of an element that fails: an error element in its place ("error", default), nothing ("drop"), or the end
   * of the execution ("fail").
   */
  onFailure?: "error" | "drop" | "fail";
}

const ON_FAILURE = ["error", "drop", "fail"];

/** A failed element; its message lists everything that is wrong. */
export class ElementValidationError extends GeppettoError {
  readonly problems: readonly string[];

  constructor(kind: string, problems: readonly string[]) {
    super("ValidationError", `Cannot let the ${kind} element pass: ${problems.join("; ")}`, { code: "ERR_ELEMENT" });
    this.problems = problems;
  }
}

const VALIDATION_FIELDS: FieldsOf<ValidationOptions> = {
  validators: true,
  minLength: "amountOrNone",
  maxLength: "amountOrNone",
  required: true,
  onFailure: true,
};

/**
 * Lets elements pass that are what they must be, unchanged. Of one that is not it says all that is wrong at once.
 * Signals always pass.
 *
 * @example
 * const checked = validation("checked", {
 *   validators: { text: z.string().trim().min(1), message: (message) => message.role !== "system" },
 *   maxLength: 4_000,
 *   required: ["metadata.userId"],
 * });
 * @throws {RangeError} at once for validators of an unknown kind.
 */
export function validation(name: string, options: ValidationOptions = {}): Stage {
  refuseWrong(`make stage "${name}"`, options, VALIDATION_FIELDS);
  const { validators = {}, onFailure = "error" } = options;
  for (const key of Object.keys(validators)) {
    if (key === "any" || (CONTENT_KINDS as readonly string[]).includes(key)) continue;
    const known = [...CONTENT_KINDS, "any"].join(", ");
    throw new RangeError(`Cannot make stage "${name}": unknown kind "${key}", must be one of ${known}`);
  }
  if (!ON_FAILURE.includes(onFailure))
    throw new RangeError(`Cannot make stage "${name}": onFailure must be one of ${ON_FAILURE.join(", ")}`);
  // Compiled with the first element, once for all executions.
  const checks = new Map<string, Promise<Check[]>>();
  const checksFor = (key: ContentKind | "any"): Promise<Check[]> => {
    const known = checks.get(key);
    if (known !== undefined) return known;
    const given = validators[key] ?? [];
    const list = Array.isArray(given) ? (given as readonly Validator[]) : [given as Validator];
    const compiled = Promise.all(list.map((each) => compileValidator(each, `the ${key} validator of stage "${name}"`)));
    checks.set(key, compiled);
    return compiled;
  };

  async function problemsOf(element: StreamElement): Promise<string[]> {
    const own = await checksFor(element.kind as ContentKind);
    const all = [...own, ...(await checksFor("any"))];
    const found = await Promise.all(all.map((check) => check(contentOf(element), element)));
    return [...problemsOfLength(element, options), ...problemsOfFields(element, options), ...found.flat()];
  }

  return {
    name,
    type: "transform",
    async process(input, output, { signal }) {
      for await (const element of input) {
        const problems = isControl(element) ? [] : await abortable(problemsOf(element), signal);
        if (problems.length === 0) await output.write(element);
        else if (onFailure !== "drop") {
          const error = new ElementValidationError(element.kind, problems);
          if (onFailure === "fail") throw error;
          const { metadata, source } = element;
          await output.write(errorElement(error, { metadata, ...(source === undefined ? {} : { source }) }));
        }
      }
    },
  };
}

function problemsOfLength(
  element: StreamElement,
  { minLength = 0, maxLength = Infinity }: ValidationOptions,
): string[] {
  const text = textOf(element);
  if (text === undefined) return [];
  const { length } = text;
  if (length < minLength) return [`${element.kind}: expected at least ${minLength} characters, found ${length}`];
  return length > maxLength ? [`${element.kind}: expected at most ${maxLength} characters, found ${length}`] : [];
}

function problemsOfFields(element: StreamElement, { required = [] }: ValidationOptions): string[] {
  return required.filter((path) => !hasField(element, path)).map((path) => `${path}: expected a value, found nothing`);
}

function hasField(element: StreamElement, path: string): boolean {
  let value: unknown = element;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Record<string, unknown>)[key];
  }
  return value !== undefined && value !== null && value !== "";
}

function textOf(element: StreamElement): string | undefined {
  if (element.kind === "text") return element.text;
  return element.kind === "message" && "text" in element.message ? element.message.text : undefined;
}
