import { Permissions, type PermissionOptions, type PermissionUse } from "../../src/permissions/permissions.ts";
import { GeppettoError } from "../../src/shared/errors.ts";

/** Permissions without an engine, and all uses that were made of them. */
export function notingPermissions(
  options: PermissionOptions,
  { maxUses = 1_000 }: { maxUses?: number } = {},
): { permissions: Permissions; uses: PermissionUse[] } {
  const uses: PermissionUse[] = [];
  const permissions = new Permissions(options, {
    onUse: (use) => void uses.push(use),
    maxUses,
    onTooMany: () => new GeppettoError("LimitError", "too many uses"),
  });
  return { permissions, uses };
}
