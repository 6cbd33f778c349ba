import { lookup as lookUp, type LookupAddress, type LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Dispatcher } from "undici";
import { isLoopbackAddress, isLoopbackName, isPrivateHost } from "../permissions/host-access.ts";
import { GeppettoError } from "../shared/errors.ts";

/** Finds the addresses of a name, as `dns.lookup` does with `all: true`. */
export type Lookup = (
  name: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Longest wait for a connection, for the beginning of an answer, and for more of it, in milliseconds. */
const CONNECT_MS = 20_000;
const HEADERS_MS = 60_000;
const IDLE_MS = 120_000;

/**
 * What holds the connections of one engine's scripts. The addresses of a name are judged when a connection is made, and it
 * is made to one of just these: a name that leads to a private address leads nowhere, whatever it led to a moment ago.
 */
export async function createGuardedAgent(lookup: Lookup = lookUp): Promise<Dispatcher> {
  const undici = await import("undici");
  return new undici.Agent({
    connect: { lookup: guardLookup(lookup), timeout: CONNECT_MS },
    headersTimeout: HEADERS_MS,
    bodyTimeout: IDLE_MS,
  });
}

function guardLookup(lookup: Lookup): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) {
        return callback(error ?? new Error(`${name} has no address`), []);
      }
      if (!addresses.every(({ address }) => mayReach(name, address))) return callback(refused(name), []);
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

/** This machine's own name is what it says; any other name of a private address is somebody's choice. */
function mayReach(name: string, address: string): boolean {
  return isLoopbackName(name) ? isLoopbackAddress(address) : !isPrivateHost(address);
}

function refused(name: string): GeppettoError {
  return new GeppettoError(
    "PermissionError",
    `net access denied: ${name}: its name leads to an address that is not public; allow that address itself`,
  );
}
