import { basename } from "node:path";
import type { Engine } from "../src/engine/engine.ts";
import { parseFields } from "../src/engine/guest-messages.ts";
import type { Vm } from "../src/engine/vm.ts";
import { detectImage, imageTooLarge, MAX_IMAGE_BYTES } from "../src/images/image-format.ts";
import { parseImageData, parseImageURL } from "../src/images/image-url.ts";
import { showAsked } from "../src/permissions/flag-for.ts";
import type { Permissions } from "../src/permissions/permissions.ts";
import { askOutside } from "../src/base/calls/outside.ts";
import { yieldToEventLoop } from "../src/base/yield-to-event-loop.ts";
import { OPS, type LoadedImage } from "../src/shared/contract/ops.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import { IMAGE_REFERENCE } from "../src/shared/chat-messages.ts";

/** Most bytes of images that one script may hold. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** Bytes that are made into base64 at a time: a multiple of three, so that nothing is filled up between them. */
const SLICE_BYTES = 3 * 65_536;
const stores = new WeakMap<Engine, ImageStore>();

/** The images that a script has read, so that they need not come back through the wall to be sent to a model. */
export class ImageStore {
  readonly #permissions: Permissions;
  readonly #urls = new Map<string, string>();
  #bytes = 0;

  constructor(permissions: Permissions) {
    this.#permissions = permissions;
  }

  /** Keeps a `data:` URL under what stands for it. */
  keep(reference: string, url: string): void {
    if (this.#urls.has(reference)) return;
    if (this.#bytes + url.length > MAX_HELD_BYTES) {
      throw new GeppettoError("LimitError", `The script exceeded the limit of ${MAX_HELD_BYTES} bytes of images`, {
        code: "ERR_LIMIT_IMAGES",
      });
    }
    this.#bytes += url.length;
    this.#urls.set(reference, url);
  }

  has(reference: string): boolean {
    return this.#urls.has(reference);
  }

  /**
   * The URL that a provider gets for the URL in a message: scripts can write those themselves, so what is not an image of
   * this store is judged as if it were added now.
   */
  resolve(url: string): string {
    if (url.startsWith(IMAGE_REFERENCE)) {
      const kept = this.#urls.get(url);
      if (kept === undefined)
        throw new GeppettoError("ValidationError", "Cannot send an image: its reference is unknown");
      return kept;
    }
    if (/^https?:/i.test(url)) return parseImageURL(url, this.#permissions).url;
    if (/^data:/i.test(url)) return parseImageData(url).url;
    throw new GeppettoError("ValidationError", "Cannot send an image: its URL is neither https: nor data: with base64");
  }

  clear(): void {
    this.#urls.clear();
    this.#bytes = 0;
  }
}

export function imageStoreOf(engine: Engine): ImageStore {
  const known = stores.get(engine);
  if (known !== undefined) return known;
  const store = new ImageStore(engine.permissions);
  stores.set(engine, store);
  return store;
}

/** Serves `image_load`: a path, or an `https:`, `http:` or `data:` URL; answers with what a message holds of it. */
export function serveImages(vm: Vm, engine: Engine): void {
  const { permissions } = engine;
  const store = imageStoreOf(engine);
  vm.host.onReset(() => store.clear());
  vm.host.setOp(OPS.image_load, async (args, { signal }) => {
    const load = (): Promise<LoadedImage> => loadImage(args, permissions, store);
    const image = await askOutside<LoadedImage>({ name: "the image", effect: "none", signal }, load);
    // An earlier attempt at the execution may have read it.
    const { reference, bytes } = image;
    if (reference !== undefined && bytes !== undefined && !store.has(reference))
      store.keep(reference, Buffer.from(bytes).toString("latin1"));
    return image;
  });
}

async function loadImage(args: unknown, permissions: Permissions, store: ImageStore): Promise<LoadedImage> {
  const { source } = parseFields(args);
  if (typeof source !== "string") {
    throw new GeppettoError("ConversationError", "Cannot add the image: expected a path or a URL as a string");
  }
  if (/^https?:/i.test(source)) return parseImageURL(source, permissions);
  if (/^data:/i.test(source)) return parseImageData(source);
  const { name, mediaType, bytes } = await readImageFile(source, permissions);
  const url = await toDataURL(mediaType, bytes);
  const reference = await referenceOf(bytes);
  store.keep(reference, url.toString("latin1"));
  return { name, mediaType, reference, bytes: new Uint8Array(url.buffer) };
}

/** The bytes of a URL that holds an image, made in slices: a large one holds up nobody. */
async function toDataURL(mediaType: string, image: Buffer): Promise<Buffer<ArrayBuffer>> {
  const head = `data:${mediaType};base64,`;
  const url = Buffer.allocUnsafeSlow(head.length + Math.ceil(image.length / 3) * 4);
  let end = url.write(head, "latin1");
  for (let start = 0; start < image.length; start += SLICE_BYTES) {
    end += url.write(image.toString("base64", start, start + SLICE_BYTES), end, "latin1");
    await yieldToEventLoop();
  }
  return url;
}

/** What stands for an image: the same for the same bytes, so that one that is added again is kept once. */
async function referenceOf(bytes: Buffer): Promise<string> {
  return (
    IMAGE_REFERENCE + Buffer.from(await crypto.subtle.digest("SHA-256", bytes as Buffer<ArrayBuffer>)).toString("hex")
  );
}

/**
 * Reads an image where files may be read.
 *
 * @throws {GeppettoError} PermissionError `file access denied: …`, or those of {@link detectImage}.
 */
async function readImageFile(
  path: string,
  permissions: Permissions,
): Promise<{ name: string; mediaType: string; bytes: Buffer }> {
  const shown = showAsked(path);
  const bytes = await permissions.readFile(path, MAX_IMAGE_BYTES, () => imageTooLarge(shown));
  return { name: basename(path), mediaType: detectImage(bytes, shown), bytes };
}
