import type { FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { GeppettoError } from "../shared/errors.ts";
import { openAllowed, type DenialReason, type FileVerdict, type ReadRoots } from "./file-access.ts";
import { flagFor, showAsked, type PermissionKind } from "./flag-for.ts";
import { ImportAccess, isPackageName, type ImportRules } from "./import-access.ts";
import { judgeFetch, judgeURL, parseHostRule, type HostRules, type HostVerdict } from "./host-access.ts";

/** What a guest may use; nothing of what is not named. */
export interface PermissionOptions {
  /** Files, and folders with all below them; relative ones from the working directory. True: any but the system's own. */
  read?: readonly string[] | true;
  /** Names of the host's environment variables. True: all of them, keys among them. */
  env?: readonly string[] | true;
  /**
   * Hosts that scripts may `fetch` from, and whose `http:` URLs, or private addresses, may be handed to a provider:
   * `example.com`, `*.example.com`, `127.0.0.1:8080`. True: every public host. Public `https:` URLs of images need no
   * permission.
   */
  net?: readonly string[] | true;
  /**
   * What scripts may import: packages by name, with what these import themselves; files, and folders with all below them, by
   * paths that begin with a dot or a slash. True: any module. Default the script's own folder, and so its node_modules; with
   * strict hardening nothing.
   */
  import?: readonly string[] | true;
  /** MCP servers whose tools scripts may use, by the names under which the host gives them. True: all of them. */
  mcp?: readonly string[] | true;
}

/** One use of a permission. Holds no secret: of a variable its name, of a URL its origin. */
export interface PermissionUse {
  /** Milliseconds since 1970. */
  time: number;
  kind: PermissionKind;
  /** What was asked for, at most 1,000 characters: a path as the script gave it, a URL's origin, a variable's name. */
  asked: string;
  /** The file that a path led to: absolute, the host's, never told to a guest. */
  file?: string;
  granted: boolean;
  /** The rule that granted it ("/data/photos", "*.example.com", "public https"), or why none did. */
  rule: string;
  /** The script that was running, by the name that the guest knows. */
  script?: string;
  /** Whose script it was, in an {@link EnginePool}. */
  tenant?: string;
}

export interface PermissionHost {
  /** Told of each use before it has an effect. Where this throws, the use is refused. */
  onUse?: ((use: PermissionUse) => void) | undefined;
  /** Calls what tells of uses, of many together. */
  scoped?: (tell: () => void) => void;
  /** Uses that one script may make, granted or not. */
  maxUses: number;
  /** Refuses a use over that number. */
  onTooMany(): GeppettoError;
}

/** Longest text of what was asked for that is noted, in characters. */
const MAX_NOTED = 1_000;

/** A file's content is read in pieces of this size, in bytes. */
const PIECE_BYTES = 1 << 20;

type Noted = Omit<PermissionUse, "time" | "script" | "tenant">;

/** The one place that decides what a guest may use of its host's. Each use, granted or denied, is noted. */
export class Permissions {
  readonly #read: ReadRoots;
  readonly #env: readonly string[] | true;
  readonly #net: HostRules;
  readonly #import: ImportRules;
  readonly #mcp: readonly string[] | true;
  readonly #host: PermissionHost;
  #script: { name: string; uses: number } | undefined;
  #folder: string | undefined;

  /** @throws {GeppettoError} ConfigError that names what cannot be allowed. */
  constructor(options: PermissionOptions, host: PermissionHost) {
    const { read = [], env = [], net = [], import: modules, mcp = [], ...unknown } = options;
    for (const name of Object.keys(unknown)) {
      throw new GeppettoError(
        "ConfigError",
        `Cannot set permissions.${name}: the permissions are read, env, net, import, mcp`,
      );
    }
    this.#read = read === true || checked("read", read).map((path) => resolve(path));
    this.#env = env === true || checked("env", env);
    this.#net = net === true || checked("net", net).map(parseHostRule);
    this.#import = toImportRules(modules);
    this.#mcp = mcp === true || checked("mcp", mcp);
    this.#host = host;
  }

  /** A script begins, in which relative paths start from this folder; default the working directory. */
  begin(name: string, folder: string | undefined): void {
    this.#script = { name, uses: 0 };
    this.#folder = folder;
  }

  end(): void {
    this.#script = undefined;
    this.#folder = undefined;
  }

  /** What the script that has begun may import. */
  imports(): ImportAccess {
    return new ImportAccess(this.#import, this.#folder);
  }

  /**
   * The content of a file that may be read.
   *
   * @param tooLarge makes the error for a file of more than `maxBytes`.
   * @throws {GeppettoError} PermissionError `file access denied: …`; it does not tell what is there where nothing may be
   *   read.
   */
  async readFile(path: string, maxBytes: number, tooLarge: () => GeppettoError): Promise<Buffer> {
    const verdict = await openAllowed(path, this.#read, this.#folder ?? process.cwd());
    return this.#readOpened(path, verdict, maxBytes, tooLarge);
  }

  async #readOpened(
    asked: string,
    verdict: FileVerdict,
    maxBytes: number,
    tooLarge: () => GeppettoError,
  ): Promise<Buffer> {
    const { granted, file, rule } = verdict;
    try {
      this.#note({ kind: "read", asked, ...(file === undefined ? {} : { file }), granted, rule });
      if (!verdict.granted) throw deniedFile(asked, verdict.reason);
      if ((await verdict.handle.stat()).size > maxBytes) throw tooLarge();
      // It may have grown: whoever counts the bytes finds it too large.
      return await readAtMost(verdict.handle, maxBytes + 1);
    } catch (error) {
      throw verdict.granted && !(error instanceof GeppettoError) ? deniedFile(asked, "unfit") : error;
    } finally {
      if (verdict.granted) await verdict.handle.close();
    }
  }

  /** Most uses that one script may make. */
  get maxUses(): number {
    return this.#host.maxUses;
  }

  /**
   * Notes that a module has been read for a script, or was not to be.
   *
   * @throws {GeppettoError} where there are too many uses, or this one cannot be noted.
   */
  noteImports(uses: readonly Omit<Noted, "kind">[]): void {
    this.#scoped(() => {
      for (const use of uses) this.#tell({ kind: "import", ...use });
    });
  }

  /** Notes that a script would import something where nothing may be imported. */
  noteClosedImport(asked: string): void {
    this.#note({ kind: "import", asked, granted: false, rule: "nothing may be imported" });
  }

  /**
   * Allows a URL to be handed to a provider.
   *
   * @throws {GeppettoError} PermissionError that names the flag.
   */
  checkURL(url: URL): void {
    this.#checkHost(url, judgeURL(url, this.#net), "");
  }

  /**
   * Allows a script to fetch from a URL.
   *
   * @param from the host that sent the request on, where that is not the script's doing
   * @throws {GeppettoError} PermissionError that names the flag.
   */
  checkFetch(url: URL, from?: string): void {
    this.#checkHost(url, judgeFetch(url, this.#net), from === undefined ? "" : ` (a redirect of ${showAsked(from)})`);
  }

  /** The MCP servers that are allowed by name. */
  get mcpNames(): readonly string[] {
    return this.#mcp === true ? [] : this.#mcp;
  }

  /** May a script use this MCP server? Nothing is noted. */
  allowsMcp(server: string): boolean {
    return this.#mcp === true || this.#mcp.includes(server);
  }

  /**
   * Allows a script to use an MCP server.
   *
   * @throws {GeppettoError} PermissionError that names the flag.
   */
  checkMcp(server: string): void {
    const granted = this.allowsMcp(server);
    const rule = this.#mcp === true ? "any server" : granted ? server : "no rule";
    this.#note({ kind: "mcp", asked: server, granted, rule });
    if (granted) return;
    throw new GeppettoError(
      "PermissionError",
      `mcp access denied: ${showAsked(server)}: it is not among the allowed servers; allow it with ${flagFor("mcp", server)}`,
    );
  }

  #checkHost(url: URL, { granted, rule, isNameable }: HostVerdict, how: string): void {
    // Of a scheme without hosts the origin is "null".
    const asked = url.host === "" ? url.protocol : url.host;
    this.#note({ kind: "net", asked: url.host === "" ? asked : url.origin, granted, rule });
    if (granted) return;
    const advice = isNameable
      ? `; allow it with ${flagFor("net", url.host)}`
      : url.username === ""
        ? ""
        : "; remove them";
    throw new GeppettoError("PermissionError", `net access denied: ${showAsked(asked)}${how}: ${rule}${advice}`);
  }

  /** The variables of the host's environment that a script may see. */
  environment(): Record<string, string> {
    const names = this.#env === true ? Object.keys(process.env) : this.#env;
    const entries: [name: string, value: string][] = [];
    for (const name of names) {
      // What only the prototype has is not a variable.
      const value = Object.hasOwn(process.env, name) ? process.env[name] : undefined;
      if (value === undefined) continue;
      this.#note({ kind: "env", asked: name, granted: true, rule: this.#env === true ? "any variable" : name });
      entries.push([name, value]);
    }
    return Object.fromEntries(entries);
  }

  #note(use: Noted): void {
    this.#scoped(() => this.#tell(use));
  }

  #scoped(tell: () => void): void {
    const { onUse, scoped } = this.#host;
    if (onUse === undefined || scoped === undefined) tell();
    else scoped(tell);
  }

  #tell({ asked, ...use }: Noted): void {
    const script = this.#script;
    if (script !== undefined && ++script.uses > this.#host.maxUses) throw this.#host.onTooMany();
    const named = script === undefined ? {} : { script: script.name };
    try {
      this.#host.onUse?.({ time: Date.now(), ...use, asked: asked.slice(0, MAX_NOTED), ...named });
    } catch (cause) {
      throw unnotedError(asked, cause);
    }
  }
}

/** Refuses a use that whoever is to hear of it has not taken. */
export function unnotedError(asked: string, cause: unknown): GeppettoError {
  return new GeppettoError("PermissionError", `Cannot use ${showAsked(asked)}: the use cannot be noted`, {
    code: "ERR_AUDIT",
    cause,
  });
}

function checked(name: string, list: unknown): string[] {
  if (Array.isArray(list) && list.every((item) => typeof item === "string" && item !== "" && !item.includes("\0"))) {
    return [...(list as string[])];
  }
  throw new GeppettoError("ConfigError", `Cannot set permissions.${name}: expected true or a list of names`);
}

function toImportRules(given: readonly string[] | true | undefined): ImportRules {
  if (given === true || given === undefined) return { paths: given, packages: [] };
  const list = checked("import", given);
  return {
    paths: list.filter((item) => !isPackageName(item)).map((path) => resolve(path)),
    packages: list.filter(isPackageName),
  };
}

function deniedFile(asked: string, reason: DenialReason): GeppettoError {
  const reasons = {
    malformed: "it is not a file path",
    outside: `it is not below an allowed folder; allow it with ${flagFor("read", asked)}`,
    missing: "there is no such file",
    unfit: "it is not a regular file that can be read",
  };
  return new GeppettoError("PermissionError", `file access denied: ${showAsked(asked)}: ${reasons[reason]}`);
}

async function readAtMost(file: FileHandle, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let total = 0;
  while (total < limit) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(PIECE_BYTES, limit - total)), 0);
    if (bytesRead === 0) break;
    pieces.push(buffer.subarray(0, bytesRead));
    total += bytesRead;
  }
  return Buffer.concat(pieces);
}
