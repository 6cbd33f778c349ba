import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, the longest first: a third of all the time. Their size does not tell it, and one that
 * comes last leaves the other workers with nothing to do.
 */
export const LONGEST: readonly string[] = [
  "test/journal/same-bytes.test.ts",
  "test/engine/lasting/sweep.test.ts",
  "test/attacks/tenants/two-tenants.test.ts",
  "test/examples/documents.test.ts",
  "test/attacks/values.test.ts",
  "test/attacks/measureless.test.ts",
  "test/attacks/engine-breakers.test.ts",
  "test/attacks/floods.test.ts",
  "test/attacks/endings.test.ts",
  "test/engine/limits.test.ts",
  "test/attacks/intrinsics.test.ts",
  "test/cli/settings/secrets.test.ts",
  "test/cli/executions/workers.test.ts",
  "test/engine/pool.test.ts",
  "test/attacks/coercions.test.ts",
  "test/workers/lost.test.ts",
  "test/types/compilers.test.ts",
  "test/attacks/escapes.test.ts",
  "test/config/key-store.test.ts",
  "test/attacks/broken-guests.test.ts",
];

/** Begins with the longest files; the others follow as Vitest would have them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId, project }: TestSpecification): number => {
      const index = LONGEST.indexOf(relative(project.config.root, moduleId).replaceAll("\\", "/"));
      return index < 0 ? LONGEST.length : index;
    };
    return sorted.toSorted((a, b) => place(a) - place(b));
  }
}
