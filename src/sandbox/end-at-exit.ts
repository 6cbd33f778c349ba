import type ivm from "isolated-vm";

const live = new Set<ivm.Isolate>();

/** The process waits for its isolates when it exits: one that computes, or waits for an answer, would hold it for ever. */
export function endAtExit(isolate: ivm.Isolate): void {
  if (live.size === 0) process.on("exit", endAll);
  live.add(isolate);
}

export function forgetAtExit(isolate: ivm.Isolate): void {
  live.delete(isolate);
  if (live.size === 0) process.off("exit", endAll);
}

function endAll(): void {
  for (const isolate of live) if (!isolate.isDisposed) isolate.dispose();
}
