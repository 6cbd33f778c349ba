import { callWith } from "../base/call-context.ts";
import { Permissions, type PermissionUse } from "../permissions/permissions.ts";
import type { EngineSettings } from "./engine-options.ts";
import { limitError } from "./limits.ts";

/**
 * The permissions that the options ask for, for scripts that may make so many uses of them.
 *
 * @throws {GeppettoError} ConfigError that names what cannot be allowed.
 */
export function enginePermissions(
  options: EngineSettings,
  maxUses: number,
  scoped: <T>(fn: () => T) => T,
): Permissions {
  const { permissions = {}, hardening, onPermission } = options;
  // What puts modules together reads the script beside the host: not for scripts of people nobody knows.
  const imports = permissions.import ?? (hardening === "strict" ? [] : undefined);
  const onUse =
    onPermission &&
    ((use: PermissionUse): void => {
      const call = callWith();
      onPermission(call.tenant === "" ? use : { ...use, tenant: call.tenant }, call);
    });
  return new Permissions(
    { ...permissions, ...(imports === undefined ? {} : { import: imports }) },
    { onUse, scoped, maxUses, onTooMany: () => limitError("uses", maxUses) },
  );
}
