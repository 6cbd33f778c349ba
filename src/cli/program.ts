import { prestart } from "../prestart.ts";

/** Runs the command line: everything but finding out whether this Node can run it. */
export async function runProgram(args: readonly string[]): Promise<void> {
  startChild(args);
  const { runCommandLine } = await import("./command-line.ts");
  await runCommandLine(args);
}

/** The guest's process takes as long to start as the program takes to load: let them do it at the same time. */
function startChild(args: readonly string[]): void {
  const [first = "", second] = args;
  const isSetup =
    ["profiles", "keys", "trust", "types", "doctor", "explain", "completion", "init"].includes(first) ||
    (first === "runs" && second !== "replay");
  const runsScript = args.some((arg) => !arg.startsWith("-")) && !isSetup;
  if (!runsScript || args.some((arg) => /\bthread$/.test(arg))) return;
  try {
    // Where this guesses wrong, the engine starts a child of its own.
    if (args.includes("--untrusted")) prestart(1, { hardening: "strict", memoryMB: 64 });
    else prestart();
  } catch {
    // The engine meets the same failure when it starts, and there it is reported.
  }
}
