import { expect } from "vitest";
import type { RuntimeEngineOptions, Session, SessionOptions, SessionOutcome } from "../../src/index.ts";
import { withEngine, type Output } from "../engine/engine-harness.ts";

export interface SessionFixture {
  session: Session;
  output: Output;
  /** The value of the code, which has to come to one. */
  value(code: string): Promise<unknown>;
  /** Runs the code, and aborts it when it has printed something. */
  abort(code: string): Promise<SessionOutcome>;
  /** How the code fails: the name and message of its error. */
  failure(code: string): Promise<string>;
}

/** Opens a session in an engine of its own, and afterwards checks that nothing of it is left. */
export function withSession(
  options: RuntimeEngineOptions & { session?: SessionOptions },
  test: (fixture: SessionFixture) => Promise<void>,
): Promise<void> {
  const { session: own, ...engineOptions } = options;
  return withEngine(engineOptions, async ({ engine, output }) => {
    await using session = engine.session(own);
    await test({
      session,
      output,
      async value(code) {
        const outcome = await session.run(code);
        if (!outcome.ok) throw new Error(`${code}: ${describe(outcome)}`);
        return outcome.value;
      },
      async abort(code) {
        output.out = "";
        const controller = new AbortController();
        const running = session.run(`console.log("begins");${code}`, { signal: controller.signal });
        await Promise.race([
          expect.poll(() => output.out).toContain("begins"),
          running.then((outcome) => Promise.reject(new Error(`${code}: has ended by itself: ${describe(outcome)}`))),
        ]);
        controller.abort();
        return running;
      },
      async failure(code) {
        const outcome = await session.run(code);
        if (outcome.ok) throw new Error(`${code}: has come to ${outcome.text}`);
        return describe(outcome);
      },
    });
  });
}

function describe({ error }: SessionOutcome): string {
  return `${error?.name}: ${error?.message}`;
}
