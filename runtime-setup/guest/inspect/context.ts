import { ObjectHasOwn, ObjectKeys } from "../../../src/shared/primordials.ts";

/** Options of `console.dir` and of custom inspect functions; the names and defaults are Node's. */
export interface InspectOptions {
  showHidden?: boolean;
  depth?: number | null;
  colors?: boolean;
  customInspect?: boolean;
  maxArrayLength?: number | null;
  maxStringLength?: number | null;
  breakLength?: number;
  compact?: boolean | number;
  sorted?: boolean | ((a: string, b: string) => number);
  getters?: boolean | "get" | "set";
  numericSeparator?: boolean;
}

export type Style =
  | "special"
  | "number"
  | "bigint"
  | "boolean"
  | "undefined"
  | "null"
  | "string"
  | "symbol"
  | "date"
  | "regexp"
  | "name";

export type Stylize = (text: string, style: Style) => string;

/** The text of a value that stands `depth` levels deep. */
export type Format = (context: Context, value: unknown, depth: number, typedArray?: boolean) => string;

/** The state of one inspection. `format` is what each part calls for a value within its own. */
export interface Context extends Omit<Required<InspectOptions>, "maxArrayLength" | "maxStringLength"> {
  maxArrayLength: number;
  maxStringLength: number;
  stylize: Stylize;
  indentation: number;
  currentDepth: number;
  seen: object[];
  circular: Map<object, number> | undefined;
  /** Characters left before the rest is summed up: one value of a script's is not to fill the memory. */
  budget: number;
  given: object | undefined;
  format: Format;
}

const DEFAULTS = {
  showHidden: false,
  depth: 2,
  colors: false,
  customInspect: true,
  maxArrayLength: 100,
  maxStringLength: 10_000,
  breakLength: 80,
  compact: 3,
  sorted: false,
  getters: false,
  numericSeparator: false,
} satisfies Required<InspectOptions>;

const MAX_CHARS = 1_000_000;

const COLORS: Record<Style, readonly [number, number] | undefined> = {
  special: [36, 39],
  number: [33, 39],
  bigint: [33, 39],
  boolean: [33, 39],
  undefined: [90, 39],
  null: [1, 22],
  string: [32, 39],
  symbol: [32, 39],
  date: [35, 39],
  regexp: [31, 39],
  name: undefined,
};

export const plain: Stylize = (text) => text;

const coloured: Stylize = (text, style) => {
  const color = ObjectHasOwn(COLORS, style) ? COLORS[style] : undefined;
  return color === undefined ? text : `\u001b[${color[0]}m${text}\u001b[${color[1]}m`;
};

/** A fresh context. Reads each option once; options that it does not know go to custom inspect functions only. */
export function createContext(options: InspectOptions | undefined, format: Format): Context {
  const context: Context = {
    ...DEFAULTS,
    stylize: plain,
    indentation: 0,
    currentDepth: 0,
    seen: [],
    circular: undefined,
    budget: MAX_CHARS,
    given: undefined,
    format,
  };
  if (options !== undefined && options !== null) {
    const keys = ObjectKeys(options);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as keyof InspectOptions;
      const value: unknown = options[key];
      if (ObjectHasOwn(DEFAULTS, key)) (context as unknown as Record<string, unknown>)[key] = value;
      else context.given ??= options;
    }
  }
  if (context.colors) context.stylize = coloured;
  context.maxArrayLength ??= Infinity;
  context.maxStringLength ??= Infinity;
  return context;
}
