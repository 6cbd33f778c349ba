import { userInfo } from "node:os";

/** Who sits before the command line; a system may not know. */
export function userName(): string {
  try {
    return userInfo().username || "unknown";
  } catch {
    return process.env["USER"] || "unknown";
  }
}
