import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What became of a changed script. */
export interface RunAgainOutcome {
  exitCode?: number;
  runId?: string;
  stdout?: string;
  stderr?: string;
  /** Why it was not run. */
  error?: string;
}

/** Most that is taken of what a run says, in characters. */
const MAX_CHARS = 32_000_000;

/** Runs changed scripts on the answers of runs, as `runs replay --script` does, and one at a time. */
export class RunAgain {
  #child: ChildProcess | undefined;

  /** Never rejects. The signal ends the run. */
  async run(id: string, source: string, signal: AbortSignal): Promise<RunAgainOutcome> {
    if (this.#child !== undefined) return { error: "Another run is under way: wait for it" };
    const main = fileURLToPath(new URL("main.cjs", import.meta.url));
    const args = [...process.execArgv, main, "runs", "replay", id, "--script", "-", "--json"];
    const child = (this.#child = spawn(process.execPath, args, { stdio: "pipe" }));
    const end = (): void => void child.kill();
    signal.addEventListener("abort", end, { once: true });
    try {
      child.stdin.on("error", () => {});
      child.stdin.end(source);
      const [stdout, stderr, code] = await Promise.all([
        textOf(child.stdout),
        textOf(child.stderr),
        new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject)),
      ]);
      return { ...readDocument(stdout), stderr, exitCode: code ?? 1 };
    } catch (error) {
      return { error: `The script could not be run: ${(error as Error).message}` };
    } finally {
      signal.removeEventListener("abort", end);
      this.#child = undefined;
    }
  }

  /** Ends what runs. */
  close(): void {
    this.#child?.kill();
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes <= MAX_CHARS) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What the run's document says; where it was refused before it began it has no run in the log. */
function readDocument(text: string): Pick<RunAgainOutcome, "runId" | "stdout"> {
  try {
    const { runId, stdout, end } = JSON.parse(text) as { runId?: unknown; stdout?: unknown; end?: unknown };
    return {
      ...(typeof runId === "string" && end !== "refused" ? { runId } : {}),
      ...(typeof stdout === "string" ? { stdout } : {}),
    };
  } catch {
    return {};
  }
}
