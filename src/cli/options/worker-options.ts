import { InvalidArgumentError, Option, type Command } from "commander";
import { collectVariable } from "./quantities.ts";
import { addRunFlags } from "./run-flags.ts";

type Environment = Readonly<Record<string, string | undefined>>;

type WorkerCommands = typeof import("../commands/worker-commands.ts");

function commands(): Promise<WorkerCommands> {
  return import("../commands/worker-commands.ts");
}

/** Adds `worker` and `submit`. */
export function addWorkerCommands(program: Command, env: Environment, hasFlags: boolean): Command[] {
  const worker = withReplicas(
    withNats(
      program
        .command("worker")
        .description("run the scripts that are submitted to a NATS server; its own settings say what they may do"),
    ),
  )
    .option("--pool <name>", "whose jobs it takes", parseName, "default")
    .option("--slots <n>", "jobs that it runs at a time; default as many as there are processors", parseCount)
    .addOption(
      new Option("--reuse <when>", "have a tenant's jobs follow each other in one process").choices([
        "never",
        "tenant",
      ]),
    )
    .option("--name <name>", "its name, which no other worker of the pool has", parseName)
    .option("--weight <tenant=n>", "a tenant's share, where it is not 1; may be repeated", collectWeight);
  if (hasFlags) {
    addRunFlags(worker, env, { groups: ["Model", "Limits", "Permissions"], without: ["permissions.import"] });
    worker.option("-q, --quiet", "say nothing but errors");
  }
  worker.action(async (options: Parameters<WorkerCommands["workerCommand"]>[0]) =>
    (await commands()).workerCommand(options),
  );
  const submit = withReplicas(
    withNats(
      program
        .command("submit")
        .description("have a script run by a worker")
        .argument("<script>", "a file, or -")
        .argument("[args...]", "what the script finds in process.argv; write -- before options of its own"),
    ),
  )
    .option("--tenant <name>", "whose script it is", parseName, "default")
    .option("--pool <name>", "which workers are to run it", parseName, "default")
    .option("--id <id>", "the execution's; what was submitted under it before is not submitted again")
    .option("-e, --env <KEY=VALUE>", "what the script finds in process.env; may be repeated", collectVariable)
    .option("--input <file>", "what the script reads with input(); - is stdin")
    .option("--follow", "print what it prints until it ends, and end with its exit code")
    .option("--json", "what was submitted, or with --follow what it does, as JSON documents")
    .option("-q, --quiet", "say nothing but errors")
    .action(async (...given: Parameters<WorkerCommands["submitCommand"]>) =>
      (await commands()).submitCommand(...given),
    );
  return [worker, submit];
}

/** Where the server is. */
export function withNats(command: Command): Command {
  return command
    .addOption(
      new Option("--nats <url>", "the NATS server: nats://host:4222, or several with commas between").env(
        "GEPPETTO_NATS",
      ),
    )
    .addOption(
      new Option("--nats-prefix <name>", "what all names there begin with (default: geppetto)").env(
        "GEPPETTO_NATS_PREFIX",
      ),
    );
}

/** For those who make streams. */
function withReplicas(command: Command): Command {
  return command.addOption(
    new Option("--nats-replicas <n>", "on how many servers of a cluster what is made there is kept (default: 1)")
      .argParser(parseCount)
      .env("GEPPETTO_NATS_REPLICAS"),
  );
}

function parseName(text: string): string {
  if (/^[\w-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected 1 to 64 letters, digits, "-" and "_".');
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a number from 1 to 9999.");
}

function collectWeight(text: string, before: Record<string, number> = {}): Record<string, number> {
  const found = /^([\w-]{1,64})=([1-9]\d{0,3})$/.exec(text);
  if (found === null) throw new InvalidArgumentError("Expected tenant=n, with n from 1 to 9999.");
  return { ...before, [found[1]!]: Number(found[2]) };
}
