import { Permissions } from "../permissions/permissions.ts";
import type { EngineSettings } from "./engine-options.ts";
import { limitError } from "./limits.ts";

/**
 * The permissions that the options ask for, for scripts that may make so many uses of them.
 *
 * @throws {GeppettoError} ConfigError that names what cannot be allowed.
 */
export function enginePermissions(options: EngineSettings, maxUses: number): Permissions {
  const { permissions = {}, hardening, onPermission } = options;
  // What puts modules together reads the script beside the host: not for scripts of people nobody knows.
  const imports = permissions.import ?? (hardening === "strict" ? [] : undefined);
  return new Permissions(
    { ...permissions, ...(imports === undefined ? {} : { import: imports }) },
    { onUse: onPermission, maxUses, onTooMany: () => limitError("uses", maxUses) },
  );
}
