import { callWith } from "../base/call-context.ts";
import { callBack } from "../base/calls/call-back.ts";
import { Permissions, unnotedError, type PermissionUse } from "../permissions/permissions.ts";
import type { GeppettoError } from "../shared/errors.ts";
import type { EngineSettings } from "./engine-options.ts";
import { limitError } from "./limits.ts";

interface PermissionListeners {
  /** Runs what tells of uses for the script that runs. */
  scoped<T>(fn: () => T): T;
  /** A use could not be noted, as turned out when it was under way. */
  onUnnoted(error: GeppettoError): void;
}

/**
 * The permissions that the options ask for, for scripts that may make so many uses of them.
 *
 * @throws {GeppettoError} ConfigError that names what cannot be allowed.
 */
export function enginePermissions(
  options: EngineSettings,
  maxUses: number,
  { scoped, onUnnoted }: PermissionListeners,
): Permissions {
  const { permissions = {}, hardening, onPermission } = options;
  // What puts modules together reads the script beside the host: not for scripts of people nobody knows.
  const imports = permissions.import ?? (hardening === "strict" ? [] : undefined);
  const onUse =
    onPermission &&
    ((use: PermissionUse): void => {
      const call = callWith();
      const noted: unknown = onPermission(call.tenant === "" ? use : { ...use, tenant: call.tenant }, call);
      // Nobody can wait for it: the use is under way when it fails.
      callBack(
        () => noted,
        (cause) => onUnnoted(unnotedError(use.asked, cause)),
      );
    });
  return new Permissions(
    { ...permissions, ...(imports === undefined ? {} : { import: imports }) },
    { onUse, scoped, maxUses, onTooMany: () => limitError("uses", maxUses) },
  );
}
