import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseYaml } from "../../../src/config/yaml/yaml-file.ts";
import { readProfiles } from "../../../src/config/profiles.ts";
import { readScriptOptions } from "../../../src/config/script/script-options-literal.ts";
import { weighFrame } from "../../../src/engine/frame-weight.ts";
import { eventFromJSON } from "../../../src/events/event-from-json.ts";
import { detectImage } from "../../../src/images/image-format.ts";
import { parseImageData } from "../../../src/images/image-url.ts";
import { compileJsonSchema } from "../../../src/providers/schema/json-schema.ts";
import { parseRecording } from "../../../src/recordings/cassette/recording.ts";
import { decodeValue } from "../../../src/shared/decode.ts";
import { GeppettoError } from "../../../src/shared/errors.ts";
import { fuzzBudget, FUZZ_TIMEOUT_MS } from "./fuzz-budget.ts";

/** Pieces from which texts are made that are almost right. */
function textOf(...pieces: string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
    { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  );
  return fc.array(piece, { maxLength: 24 }).map((parts) => parts.join(""));
}

const json = fc.json({ maxDepth: 4 });
const tree = fc.jsonValue({ maxDepth: 5 });

/** Parts of a frame, its tags among them. */
const frameText = textOf(
  ...'[ ] { } , : "$":"map" "$":"error" "$":"typed" "name":"Float32Array" "v": [1,2] null "$":"date" 1e9'.split(" "),
);

const schema = fc.letrec((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4 },
    fc.dictionary(
      fc.constantFrom(
        ..."type properties required items anyOf oneOf allOf enum const pattern minimum maxLength $ref not additionalProperties format".split(
          " ",
        ),
      ),
      fc.oneof(
        tree,
        tie("schema"),
        fc.array(tie("schema"), { maxLength: 2 }),
        fc.constantFrom("object", "string", "(a+)+$"),
      ),
      { maxKeys: 4 },
    ),
  ),
})).schema;

interface Parser {
  name: string;
  input: fc.Arbitrary<unknown>;
  parse: (input: unknown) => unknown;
  /** What it may throw beside errors of this project. */
  throws?: readonly (abstract new (...args: never[]) => Error)[];
}

function parser<T>(
  name: string,
  input: fc.Arbitrary<T>,
  parse: (input: T) => unknown,
  throws: readonly (abstract new (...args: never[]) => Error)[] = [],
): Parser {
  return { name, input, parse: (given) => parse(given as T), throws };
}

const PARSERS: Parser[] = [
  parser("values", fc.oneof(frameText, json), (text) => decodeValue(text), [SyntaxError, TypeError, RangeError]),
  parser(
    "configuration",
    textOf(
      "profiles:",
      "\n",
      "  ",
      "- ",
      "model: ",
      "&a ",
      "*a",
      "<<: ",
      "limits:",
      "{",
      "}",
      "[",
      "]",
      "!!binary ",
      "extends: ",
    ),
    (text) => readProfiles(parseYaml(text, "geppetto.yaml"), true),
  ),
  parser(
    "options of scripts",
    textOf(
      "export ",
      "const ",
      "options ",
      "= ",
      "{",
      "}",
      "limits: ",
      "`${",
      "}`",
      "/*",
      "//",
      "\n",
      "...",
      "(",
      ")",
      "1",
      "'",
      "as const",
    ),
    (text) => readScriptOptions(text, "script.js"),
  ),
  parser(
    "recordings",
    fc.oneof(
      tree,
      fc.record(
        {
          request: tree,
          chunks: tree,
          end: fc.oneof(tree, fc.constantFrom("final", "error")),
          error: tree,
          vectors: tree,
          version: tree,
        },
        { requiredKeys: [] },
      ),
    ),
    (value) => parseRecording(value),
    [Error],
  ),
  parser(
    "events",
    fc.oneof(tree, fc.record({ type: fc.constantFrom("start", "partial", "final", "error"), meta: tree, delta: tree })),
    (value) => eventFromJSON(value),
    [Error],
  ),
  parser(
    "images",
    fc
      .tuple(
        fc.constantFrom("89504e470d0a1a0a", "ffd8ff", "52494646ffffffff57454250", "474946383961", ""),
        fc.uint8Array({ maxLength: 64 }),
        fc.constantFrom("49454e44ae426082", "ffd9", "3b", ""),
      )
      .map(([start, middle, end]) => Buffer.concat([Buffer.from(start, "hex"), middle, Buffer.from(end, "hex")])),
    (bytes) => detectImage(bytes, "image"),
  ),
  parser(
    "URLs of images",
    textOf("data:", "image/png", ";base64", ",", "iVBORw0KGgo=", "%", "A", "=", ";charset=x"),
    (text) => parseImageData(text),
  ),
  parser("schemas", schema, (value) => compileJsonSchema(value, "the schema")),
];

describe.each(PARSERS)("the parser of $name", ({ input, parse, throws = [] }) => {
  it("gives a value or an error of its own, whatever the text", { timeout: FUZZ_TIMEOUT_MS }, () =>
    fc.assert(
      fc.asyncProperty(input, async (given) => {
        try {
          await parse(given);
        } catch (error) {
          const isKnown = error instanceof GeppettoError || throws.some((kind) => error instanceof kind);
          expect(isKnown, String((error as Error).stack)).toBe(true);
        }
      }),
      fuzzBudget(400),
    ),
  );
});

describe("the weight of a frame", () => {
  it("is known for any text, and at least its length", { timeout: FUZZ_TIMEOUT_MS }, () =>
    fc.assert(
      fc.property(fc.oneof(frameText, json, fc.string()), (text) => {
        expect(weighFrame(text, Infinity)).toBeGreaterThanOrEqual(text.length);
      }),
      fuzzBudget(1000),
    ),
  );
});
