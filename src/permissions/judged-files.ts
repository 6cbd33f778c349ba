import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from "node:fs";
import type { Dirent } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { emptyFacts, entryAt, kindOf, listFolder, realPathOf, stampOf } from "./file-facts.ts";
import type { EntryKind, FileFacts } from "./file-facts.ts";
import { isPlain } from "./file-access.ts";
import type { ImportAccess } from "./import-access.ts";

/** What lies at a path, by its place without links. Of what is outside nothing is known, not even whether it is there. */
export type Place =
  | { kind: "file" | "folder"; path: string; rule: string }
  | { kind: "other" | "missing"; path: string }
  | { kind: "outside"; path: string };

/** What is not UTF-8 in a file becomes U+FFFD. */
export type ReadText = { text: string; bytes: number } | { refused: "outside" | "unfit" | "too large" };

/** More links on one way than anybody has. */
const MAX_LINKS = 40;

/** A file's content is read in pieces of this size, in bytes. */
const PIECE_BYTES = 1 << 20;

interface Listing {
  entries: Map<string, Dirent> | undefined;
  names: Record<string, EntryKind>;
}

/**
 * The files of the host as one script's imports may see them. The judge is asked before anything is looked at: a path
 * that leads outside by its own words, or by a link's, is outside, whatever is there. Notes what it finds out.
 */
export class JudgedFiles implements Disposable {
  readonly facts: FileFacts = emptyFacts();
  /** What was read, by paths. */
  readonly texts: Map<string, string> = new Map();
  readonly #access: ImportAccess;
  readonly #folders = new Map<string, Place>();
  /** Folders by their descriptors, or that the system does not open things by way of them. */
  readonly #opened = new Map<string, { descriptor: number; isTold: boolean }>();
  readonly #listings = new Map<string, Listing>();

  constructor(access: ImportAccess) {
    this.#access = access;
  }

  /** What lies at an absolute path. */
  locate(path: string, links = 0): Place {
    const wanted = this.#access.toReal(isPlain(path) ? path : resolve(path));
    const root = this.#access.rootOf(wanted);
    if (root === undefined) return { kind: "outside", path: wanted };
    const folder = dirname(wanted);
    if (wanted === root || folder === wanted) return this.#settle(wanted, this.#probe(wanted), links);
    const parent = this.#folder(folder, links);
    if (parent.kind === "outside") return { kind: "outside", path: wanted };
    if (parent.kind !== "folder") return { kind: "missing", path: wanted };
    const name = basename(wanted);
    const real = parent.path === folder ? wanted : join(parent.path, name);
    return this.#settle(real, this.#entry(parent.path, name), links);
  }

  /** Where a package's folder really lies, which may be looked at although no path allows it; undefined for nowhere. */
  locatePackage(installed: string): string | undefined {
    const real = (this.facts.reals[installed] ??= realPathOf(installed));
    return real === "" ? undefined : real;
  }

  /** The text of the file at a place that {@link locate} has given. What has been opened is judged once more. */
  read(path: string, maxBytes: number): ReadText {
    let descriptor: number | undefined;
    try {
      const opened = this.#open(path);
      if (opened === undefined) return { refused: "outside" };
      descriptor = opened;
      const stats = fstatSync(descriptor);
      if (!stats.isFile()) return { refused: "unfit" };
      if (stats.size > maxBytes) return { refused: "too large" };
      // It may have grown: what is larger by then is too large, too.
      const content = readAtMost(descriptor, stats.size + 1, maxBytes + 1);
      if (content.length > maxBytes) return { refused: "too large" };
      const text = content.toString();
      this.facts.files[path] = stampOf(stats, this.facts.time);
      this.texts.set(path, text);
      return { text, bytes: content.length };
    } catch {
      return { refused: "unfit" };
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }

  /** Opens a file by way of its folder, which is known to lie where it did; undefined where either has been moved. */
  #open(path: string): number | undefined {
    const folder = dirname(path);
    let opened = this.#opened.get(folder);
    if (opened === undefined) {
      const descriptor = openSync(folder, READ | (constants.O_DIRECTORY ?? 0));
      const own = ownPathOf(descriptor);
      if (own !== undefined && own !== folder) {
        closeSync(descriptor);
        return undefined;
      }
      opened = { descriptor, isTold: own !== undefined };
      this.#opened.set(folder, opened);
    }
    if (opened.isTold) return openSync(`/proc/self/fd/${opened.descriptor}/${basename(path)}`, READ);
    const descriptor = openSync(path, READ);
    if (realPathOf(path) === path) return descriptor;
    closeSync(descriptor);
    return undefined;
  }

  /** Closes the folders that files were opened by way of. */
  [Symbol.dispose](): void {
    for (const { descriptor } of this.#opened.values()) closeSync(descriptor);
    this.#opened.clear();
  }

  #settle(path: string, kind: EntryKind, links: number): Place {
    if (kind.startsWith("link:")) {
      if (links >= MAX_LINKS) return { kind: "other", path };
      const place = this.locate(resolve(dirname(path), kind.slice("link:".length)), links + 1);
      return place.kind === "outside" ? { kind: "outside", path } : place;
    }
    const rule = this.#access.ruleFor(path);
    if (rule === undefined) return { kind: "outside", path };
    if (kind === "file" || kind === "folder") return { kind, path, rule };
    return { kind: kind === "none" ? "missing" : "other", path };
  }

  /** A folder's place. Its own folders are looked at one by one: their lists may be long, and change often. */
  #folder(path: string, links: number): Place {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const root = this.#access.rootOf(path);
    let place: Place;
    if (root === undefined) place = { kind: "outside", path };
    else if (path === root) place = this.#settle(path, this.#probe(path), links);
    else {
      const parent = this.#folder(dirname(path), links);
      if (parent.kind !== "folder") place = { kind: parent.kind === "outside" ? "outside" : "missing", path };
      else {
        const real = join(parent.path, basename(path));
        place = this.#settle(real, this.#probe(real), links);
      }
    }
    this.#folders.set(path, place);
    return place;
  }

  #probe(path: string): EntryKind {
    return (this.facts.entries[path] ??= entryAt(path));
  }

  /** What a folder holds under a name: listed once, it is asked for many. */
  #entry(folder: string, name: string): EntryKind {
    let listing = this.#listings.get(folder);
    if (listing === undefined) {
      const stats = lstatSync(folder);
      const names = Object.create(null) as Record<string, EntryKind>;
      listing = { entries: listFolder(folder), names };
      this.#listings.set(folder, listing);
      if (listing.entries !== undefined) {
        this.facts.folders[folder] = { stamp: stampOf(stats, this.facts.time), names };
      }
    }
    const { entries, names } = listing;
    // A folder that cannot be listed may yet give what one knows by name.
    if (entries === undefined) return this.#probe(join(folder, name));
    const entry = entries.get(name);
    return (names[name] ??= entry === undefined ? "none" : kindOf(entry, join(folder, name)));
  }
}

/** Links are not followed, and pipes not waited for. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Where what is open really lies, as the system says it; undefined where it does not. */
function ownPathOf(descriptor: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

/** @param expected how much there is, as far as one knows, and a little more */
function readAtMost(descriptor: number, expected: number, limit: number): Buffer {
  const pieces: Buffer[] = [];
  let total = 0;
  for (let size = expected; total < limit; size = PIECE_BYTES) {
    const piece = Buffer.allocUnsafe(Math.min(size, limit - total));
    const count = readSync(descriptor, piece, 0, piece.length, null);
    if (count === 0) break;
    pieces.push(piece.subarray(0, count));
    total += count;
    if (count < piece.length) break;
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}
