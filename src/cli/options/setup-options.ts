import type { Command } from "commander";
import type { TrustOptions } from "../commands/trust-command.ts";
import type { TypesOptions } from "../commands/types-command.ts";
import { addRunFlags } from "./run-flags.ts";

function commands(): Promise<typeof import("../commands/setup-commands.ts")> {
  return import("../commands/setup-commands.ts");
}

/** Adds the commands that set things up, and look after them: `profiles`, `keys`, `trust`, `types`, `doctor`. Each is loaded when it runs. */
export function addSetupCommands(program: Command): Command[] {
  return [addProfiles(program), addKeys(program), addTrust(program), addTypes(program), addDoctor(program)];
}

function addProfiles(program: Command): Command {
  const profiles = program.command("profiles").description("show and import profiles");
  profiles
    .command("list")
    .description("the profiles of ./geppetto.yaml and of your own configuration; * marks the one in use")
    .option("--json", "as one JSON document")
    .action(async (options: { json?: true }) => (await commands()).listProfiles(options));
  profiles
    .command("show")
    .description("the settings that count with a profile")
    .argument("[name]", "default: the profile in use")
    .option("--origin", "say where each value comes from")
    .option("--json", "as one JSON document, with origins")
    .action(async (name: string | undefined, options: { origin?: true; json?: true }) =>
      (await commands()).showProfile(name, options),
    );
  profiles
    .command("import")
    .description("take over the profiles of a YAML file of Go geppetto; keys in it go to the keys file")
    .argument("<file>", "the file, or - for stdin")
    .option("--out <file>", "where to; - is stdout (default: your own config.yaml)")
    .option("--json", "say what came of it as one JSON document")
    .action(async (file: string, options: { out?: string; json?: true }) =>
      (await commands()).importCommand(file, options),
    );
  return profiles;
}

function addKeys(program: Command): Command {
  const keys = program.command("keys").description("store keys that profiles name as key:NAME");
  keys
    .command("set")
    .description("store a key; it is asked for without being shown, or read from stdin")
    .argument("<name>", "what profiles call it")
    // A key as a further argument is refused with a better reason than that there is one.
    .allowExcessArguments()
    .action(async (name: string, _options: object, { args }: Command) =>
      (await commands()).setKey(name, args.slice(1)),
    );
  keys
    .command("list")
    .description("the names of the keys that are stored")
    .option("--json", "as one JSON document")
    .action(async (options: { json?: true }) => (await commands()).listKeys(options));
  keys
    .command("remove")
    .description("forget a key")
    .argument("<name>")
    .action(async (name: string) => (await commands()).removeKey(name));
  return keys;
}

function addTrust(program: Command): Command {
  return program
    .command("trust")
    .description("let a folder's geppetto.yaml, as it is now, count like your own configuration; asks on the terminal")
    .argument("[folder]", "default: the folder that you are in")
    .option("--list", "the folders that are trusted")
    .option("--remove", "trust the folder no longer")
    .option("--json", "the list as one JSON document")
    .action(async (folder: string | undefined, options: TrustOptions) =>
      (await commands()).trustCommand(folder, options),
    );
}

function addTypes(program: Command): Command {
  return program
    .command("types")
    .description("print the types of what scripts see, for editors and for tsc")
    .option("--out <file>", "where to; - is stdout, which is the default")
    .option(
      "--engine <module>",
      "add what a host app gives its scripts: a module that exports its engine, pool or setup",
    )
    .option("--allow-mcp <names>", "add the tools of MCP servers of the configuration, which are started for that")
    .action(async (options: TypesOptions) => (await commands()).typesCommand(options));
}

function addDoctor(program: Command): Command {
  const doctor = program.command("doctor").description("check that everything is there that scripts need");
  return addRunFlags(doctor, process.env, { groups: ["Model"] })
    .optionsGroup("Checks:")
    .option("--online", "ask the model one small question too; costs a few tokens")
    .option("--json", "as one JSON document")
    .action(async (options: object) => (await commands()).doctorCommand(options));
}
