import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { reasonOf } from "../../files.ts";
import { findRun } from "../commands/runs-command.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printNotes } from "../output/print-table.ts";
import { UsageError } from "../options/usage-error.ts";
import { RunAgain } from "./run-again.ts";
import { RunPages } from "./run-pages.ts";
import { ServeGuard } from "./serve-guard.ts";

export interface ServeOptions {
  /** Default: one that is free. */
  port?: number;
  traceContents: "on" | "off";
}

/** How long a request may take to come, in milliseconds. */
const REQUEST_MS = 30_000;

/** `geppetto-js runs serve [run]`: pages of runs for a browser on this machine, until Ctrl-C. */
export async function serveRuns(id: string | undefined, { port = 0, traceContents }: ServeOptions): Promise<void> {
  const run = id === undefined ? undefined : findRun(id);
  const guard = new ServeGuard();
  const again = new RunAgain();
  const pages = new RunPages(guard, again, traceContents === "on");
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    void pages.answer(request, response);
  });
  server.maxConnections = 64;
  guard.port = await listen(server, port);
  process.stdout.write(`${guard.address}${run === undefined ? "" : `runs/${run.id}`}\n`);
  printNotes(["This address is a secret of yours: whoever has it can read your runs. Ctrl-C ends the server"]);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
  again.close();
  server.close();
  server.closeAllConnections();
}

/** On the loopback interface alone: no other machine can connect. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const why = reasonOf(error) === "EADDRINUSE" ? "another program listens there" : reasonOf(error);
      reject(new UsageError(`Cannot listen on port ${port}: ${why}`, EXIT.config));
    });
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
