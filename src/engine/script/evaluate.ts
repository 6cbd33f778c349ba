import { createDeferred } from "../../base/deferred.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import { realmError } from "../engine-errors.ts";
import type { EngineLimits } from "../limits.ts";
import { toHostError, type LossKind, type RealmSession } from "../realm-session.ts";
import { keepLastValue } from "./kept-value.ts";

export interface EvaluationListener {
  limits: EngineLimits;
  /** The code threw after it had completed; this is a copy of the error. */
  onThrown(copy: ErrorRecord): void;
  /** Its turn was lost. */
  onLost(kind: LossKind): void;
}

/**
 * Runs classic script code in the global scope. Resolves with a copy of its value (a promise is awaited); rejects with
 * what it threw.
 */
export function evaluate(
  loop: RealmSession,
  code: string,
  filename: string,
  { limits, onThrown, onLost }: EvaluationListener,
): Promise<unknown> {
  const { promise, resolve, reject } = createDeferred<unknown>();
  /** What the promise that is the code's value was rejected with. */
  let rejected: ErrorRecord | undefined;
  void loop.run(
    { code, filename, kind: "classic", lineOffset: 0, ...keepLastValue(code) },
    {
      onSettled: ({ value, uncopied }) => (uncopied === undefined ? resolve(value) : reject(toHostError(uncopied))),
      onFailed: (error) => {
        rejected = error;
        reject(toHostError(error));
      },
      onTurnFailed: (failure, settled) => {
        if (failure.kind === "thrown" || failure.kind === "load") {
          const isTold = rejected !== undefined && rejected.message === failure.error.message;
          if (settled && !isTold) onThrown(failure.error);
          else reject(toHostError(failure.error));
        } else {
          onLost(failure.kind);
          reject(realmError(failure.kind, limits));
        }
      },
    },
  );
  return promise;
}
