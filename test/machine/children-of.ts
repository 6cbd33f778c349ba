import { readFileSync } from "node:fs";

/** The processes that this one has started, as Linux knows them; none of a process that has gone, and none elsewhere. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
