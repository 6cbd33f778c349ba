import { createContext, runInContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RuntimeEngine } from "../../src/index.ts";
import { withEngine } from "../engine/engine-harness.ts";

const NAMES = ["a", "b", "c", "d"] as const;
const name = fc.constantFrom(...NAMES);
const atom = fc.oneof(
  fc.integer({ min: -5, max: 20 }).map((n) => `(${n})`),
  name,
  fc.constantFrom("'s'", "null", "undefined", "[1, 2]", "{ x: 1 }.x", "`t${1}`", "typeof a", "(() => b)()", "missing"),
);
const expression = fc.oneof(
  atom,
  fc
    .tuple(atom, fc.constantFrom("+", "-", "*", "||", "??", "==="), atom)
    .map(([one, sign, other]) =>
      sign === "??" || sign === "||" ? `((${one}) ${sign} (${other}))` : `${one} ${sign} ${other}`,
    ),
  fc.tuple(atom, atom).map(([one, other]) => `[${one}, ${other}]`),
);

/** Statements; those that declare what cannot be declared again get a name of their own. */
const statement = (fresh: string): fc.Arbitrary<string> =>
  fc.oneof(
    expression.map((value) => `(${value})`),
    fc.tuple(name, expression).map(([to, value]) => `var ${to} = ${value}`),
    fc.tuple(name, expression).map(([to, value]) => `${to} = ${value}`),
    expression.map((value) => `let ${fresh} = ${value}\n${fresh}`),
    expression.map((value) => `const ${fresh} = ${value}; ${fresh} = 1`),
    expression.map((value) => `class ${fresh} { static m() { return ${value} } }\n${fresh}.m()`),
    fc.tuple(name, expression).map(([to, value]) => `function ${fresh}() { return ${value} }\n${to} = ${fresh}()`),
    fc
      .tuple(name, name, expression)
      .map(([one, other, value]) => `var { ${one}, y: [${other} = 7] = [] } = { ${one}: ${value} }`),
    fc
      .tuple(expression, name, expression)
      .map(([test, to, value]) => `if (${test}) { ${to} = ${value} } else ${to} = 3`),
    fc.tuple(name, expression).map(([to, value]) => `for (let i = 0; i < 3; i++) ${to} = ${value}`),
    fc.tuple(name, expression).map(([to, value]) => `for (var ${to} of [1, ${value}]) ;`),
    fc
      .tuple(name, expression)
      .map(([to, value]) => `try { throw ${value} } catch (error) { ${to} = [error] } finally { }`),
    fc.tuple(name, expression).map(([to, value]) => `{ let ${to} = ${value}; var ${fresh} = ${to} }`),
    fc.tuple(name, expression).map(([to, value]) => `do { var ${to} = ${value} } while (false)\n${to}`),
  );

const program = fc
  .integer({ min: 1, max: 8 })
  .chain((length) => fc.tuple(...Array.from({ length }, (_, i) => statement(`fresh${i}`))));

/** What came of a statement: its value as text, or the error's name. */
type Came = string;

const shown = (value: unknown): Came => JSON.stringify(value) ?? "undefined";

/** What Node's own scripts make of it. */
function byNode(statements: readonly string[]): { came: Came[]; names: Came } {
  const context = createContext({});
  const run = (code: string): Came => {
    try {
      return shown(runInContext(code, context));
    } catch (error) {
      return (error as Error).name ?? "Error";
    }
  };
  runInContext(`var ${NAMES.join()}`, context);
  return { came: statements.map(run), names: run(`[${NAMES.join()}]`) };
}

async function bySession(
  engine: RuntimeEngine,
  statements: readonly string[],
  toCode: (statement: string) => string,
): Promise<{ came: Came[]; names: Came }> {
  await using session = engine.session();
  const run = async (code: string): Promise<Came> => {
    const { ok, value, error } = await session.run(code);
    return ok ? shown(value) : (error?.name ?? "Error");
  };
  await run(`var ${NAMES.join()}`);
  const came: Came[] = [];
  for (const statement of statements) came.push(await run(toCode(statement)));
  return { came, names: await run(`[${NAMES.join()}]`) };
}

const isThrown = (came: Came): boolean => came.endsWith("Error");

describe("A session", () => {
  it("comes to what Node's own scripts come to, whatever runs in it", () =>
    withEngine({}, async ({ engine }) => {
      await fc.assert(
        fc.asyncProperty(program, async (statements) => {
          const wanted = byNode(statements);
          expect(await bySession(engine, statements, (code) => code)).toEqual(wanted);
        }),
        { numRuns: 40 },
      );
    }));

  it("leaves the same where the code awaits", () =>
    withEngine({}, async ({ engine }) => {
      await fc.assert(
        fc.asyncProperty(program, async (statements) => {
          const wanted = byNode(statements);
          const { came, names } = await bySession(engine, statements, (code) => `await 0\n;${code}`);
          expect(names).toBe(wanted.names);
          // The values of blocks are another's to give.
          expect(came.map(isThrown)).toEqual(wanted.came.map(isThrown));
        }),
        { numRuns: 40 },
      );
    }));

  it("answers any text with an outcome, and goes on", () =>
    withEngine({}, async ({ engine }) => {
      await using session = engine.session();
      const piece = fc.constantFrom(
        ..."{ } ( ) [ ] ; , . => = + - ` ${ ' \" / /* */ // \n # @ ? : !".split(" "),
        ..."let const var class function async await yield return if else for while of in import export default new this x y 1 type interface enum as".split(
          " ",
        ),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
          const outcome = await session.run(pieces.join(" "), { limits: { wallMs: 2000 } });
          expect(["completed", "uncaught", "load", "stalled", "limit"]).toContain(outcome.end);
          expect(outcome.isOver).toBe(undefined);
        }),
        { numRuns: 150 },
      );
      expect((await session.run("1 + 1")).value).toBe(2);
    }));
});
