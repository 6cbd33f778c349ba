import { GeppettoError } from "../../shared/errors.ts";

/**
 * Imports a package that only some users have.
 *
 * @throws {GeppettoError} ConfigError that names it.
 */
export async function loadPackage<T>(importPackage: () => Promise<T>, name: string): Promise<T> {
  try {
    return await importPackage();
  } catch (error) {
    throw new GeppettoError(
      "ConfigError",
      `Cannot use NATS: the package ${name} is not installed, add it to your dependencies`,
      {
        code: "ERR_MISSING_PACKAGE",
        cause: error,
      },
    );
  }
}
