import { basename } from "node:path";
import { configError, placeOf, shown, unknownKey } from "../../config/config-error.ts";
import { readYamlFile, type YamlFile } from "../../config/yaml/yaml-file.ts";
import type { StepEventType } from "../../shared/step-events.ts";
import { isObject } from "../../shared/is-object.ts";

/** What is expected of a script; what is not said is not looked at, but for `exit`, which is 0 then. */
export interface Expectations {
  /** What `geppetto-js run` writes to stdout. */
  stdout?: string;
  /** The script's result, as JSON has it. */
  result?: unknown;
  exit?: number;
  /** Events that come in this order, others between them: each by its type, or by fields that it has. */
  events?: readonly ExpectedEvent[];
}

export type ExpectedEvent = StepEventType | Readonly<Record<string, unknown>>;

/** What a `name.test.yaml` holds. */
export interface TestDocument {
  args: string[];
  input?: string;
  profile?: string;
  /** Undefined where nothing is expected beside the golden. */
  expect?: Expectations;
  /** Where a key stands: "greet.test.yaml:3:5". */
  placeOf(path: readonly string[]): string;
  /** The line of a key, from 1. */
  lineOf(path: readonly string[]): number | undefined;
}

const EVENT_TYPES: readonly StepEventType[] = [
  "start",
  "partial",
  "reasoning",
  "tool-call",
  "tool-result",
  "context",
  "progress",
  "log",
  "final",
  "error",
  "interrupt",
];
const MAX_EXIT = 255;

/**
 * Reads a `name.test.yaml`; undefined where there is none.
 *
 * @throws {GeppettoError} ConfigError with file, line and column for whatever is wrong.
 */
export function readTestDocument(file: string): TestDocument | undefined {
  const yaml = readYamlFile(file, basename(file));
  return yaml === undefined ? undefined : new DocumentReader(yaml).read();
}

/** A part of the document, with the way to it. */
type Path = readonly string[];

function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

class DocumentReader {
  readonly #yaml: YamlFile;

  constructor(yaml: YamlFile) {
    this.#yaml = yaml;
  }

  read(): TestDocument {
    const { args, input, profile, expect } = this.#section(
      this.#yaml.value,
      [],
      ["args", "input", "profile", "expect"],
    );
    return {
      args: this.#args(args),
      ...(input === undefined ? {} : { input: this.#text(input, ["input"]) }),
      ...(profile === undefined ? {} : { profile: this.#text(profile, ["profile"]) }),
      // A section with nothing in it expects nothing, so the golden counts.
      ...(expect === undefined || isEmpty(expect) ? {} : { expect: this.#expectations(expect) }),
      placeOf: (path) => placeOf(this.#yaml, path),
      lineOf: (path) => this.#yaml.locate?.(path, "key")?.line,
    };
  }

  #expectations(value: unknown): Expectations {
    const { stdout, result, exit, events } = this.#section(value, ["expect"], ["stdout", "result", "exit", "events"]);
    return {
      ...(stdout === undefined ? {} : { stdout: this.#text(stdout, ["expect", "stdout"]) }),
      ...(result === undefined ? {} : { result }),
      ...(exit === undefined ? {} : { exit: this.#exit(exit) }),
      ...(events === undefined ? {} : { events: this.#events(events) }),
    };
  }

  /** Keys that are not known may be slips. */
  #section(value: unknown, path: Path, known: readonly string[]): Record<string, unknown> {
    if (!isObject(value)) {
      throw this.#refuse(path, `expected a section with ${known.join(", ")}, got ${shown(value)}`);
    }
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      const place = placeOf(this.#yaml, [...path, key]);
      throw configError(
        place,
        unknownKey(
          [...path, key].join("."),
          known.map((name) => [...path, name].join(".")),
          "key",
        ),
        "ERR_CONFIG_KEY",
      );
    }
    return value;
  }

  #args(value: unknown): string[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.#refuse(["args"], `expected a list of texts, got ${shown(value)}`);
    return value.map((arg: unknown, index) => {
      if (typeof arg === "string" || typeof arg === "number" || typeof arg === "boolean") return String(arg);
      throw this.#refuse(["args", String(index)], `expected a text, got ${shown(arg)}`);
    });
  }

  #text(value: unknown, path: Path): string {
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw this.#refuse(path, `expected a text, got ${shown(value)}`);
  }

  #exit(value: unknown): number {
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_EXIT) return value as number;
    throw this.#refuse(["expect", "exit"], `expected an exit code from 0 to ${MAX_EXIT}, got ${shown(value)}`);
  }

  #events(value: unknown): ExpectedEvent[] {
    const path = ["expect", "events"];
    if (!Array.isArray(value)) throw this.#refuse(path, `expected a list of events, got ${shown(value)}`);
    return value.map((event: unknown, index) => {
      const place = [...path, String(index)];
      const type = typeof event === "object" && event !== null ? (event as { type?: unknown }).type : event;
      const isSection = type !== event && !Array.isArray(event);
      if (isSection && type === undefined) return event as Record<string, unknown>;
      if (EVENT_TYPES.includes(type as StepEventType)) return event as ExpectedEvent;
      if (typeof type === "string") throw this.#refuse(place, unknownKey(type, EVENT_TYPES, "event"));
      throw this.#refuse(place, `expected the type of an event, or its fields, got ${shown(event)}`);
    });
  }

  #refuse(path: Path, problem: string): Error {
    const place = placeOf(this.#yaml, path, "value");
    return configError(place, path.length === 0 ? problem : `${path.join(".")}: ${problem}`, "ERR_CONFIG_VALUE");
  }
}
