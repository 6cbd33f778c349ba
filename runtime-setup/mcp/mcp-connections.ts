import { Connection, type ConnectionHost } from "../../src/mcp/connection.ts";
import type { KnownServer } from "../../src/mcp/server-settings.ts";

/** The connections of one engine, or of one tenant's engines. */
interface Group {
  readonly connections: Map<string, Connection>;
  /** The engines that use them. */
  readonly users: Set<object>;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export interface McpConnectionsOptions {
  host: ConnectionHost;
  /** Are they shared by the engines of a tenant? Those of a script without a tenant's name are its engine's own. */
  isShared: boolean;
  /** How long shared ones are kept when no engine uses them, in milliseconds. */
  idleMs: number;
}

/** The connections to servers: started for whoever asks first, and ended when nobody uses them any more. */
export class McpConnections {
  readonly #options: McpConnectionsOptions;
  readonly #groups = new Map<unknown, Group>();

  constructor(options: McpConnectionsOptions) {
    this.#options = options;
  }

  /** The connection to a server for an engine that works for a tenant. */
  connect(server: KnownServer, engine: object, tenant: string): Connection {
    const group = this.#groupOf(this.#options.isShared && tenant !== "" ? tenant : engine);
    group.users.add(engine);
    clearTimeout(group.timer);
    const known = group.connections.get(server.identifier);
    if (known !== undefined) return known;
    const made = new Connection(server, this.#options.host);
    group.connections.set(server.identifier, made);
    return made;
  }

  /** An engine uses them no more. Resolves when those that were its own have ended. */
  async release(engine: object): Promise<void> {
    const ends: Promise<void>[] = [];
    for (const [key, group] of this.#groups) {
      if (!group.users.delete(engine) || group.users.size > 0) continue;
      if (key === engine) ends.push(this.#end(key, group));
      else {
        clearTimeout(group.timer);
        // What ends it then is for nobody to wait for, and cannot fail.
        group.timer = setTimeout(() => void this.#end(key, group), this.#options.idleMs);
      }
    }
    await Promise.all(ends);
  }

  /** Ends all. */
  async close(): Promise<void> {
    await Promise.all([...this.#groups].map(([key, group]) => this.#end(key, group)));
  }

  #groupOf(key: unknown): Group {
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { connections: new Map(), users: new Set(), timer: undefined };
      this.#groups.set(key, group);
    }
    return group;
  }

  async #end(key: unknown, { connections, timer }: Group): Promise<void> {
    clearTimeout(timer);
    this.#groups.delete(key);
    await Promise.all([...connections.values()].map((connection) => connection.close()));
  }
}
