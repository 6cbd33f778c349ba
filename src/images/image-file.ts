import { basename } from "node:path";
import { showAsked } from "../permissions/flag-for.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { detectImage, type ImageMediaType, imageTooLarge, MAX_IMAGE_BYTES } from "./image-format.ts";

export interface ImageFile {
  name: string;
  mediaType: ImageMediaType;
  bytes: Buffer;
}

/**
 * Reads an image where files may be read.
 *
 * @throws {GeppettoError} PermissionError `file access denied: …`, or those of {@link detectImage}.
 */
export async function readImageFile(path: string, permissions: Permissions): Promise<ImageFile> {
  const shown = showAsked(path);
  const bytes = await permissions.readFile(path, MAX_IMAGE_BYTES, () => imageTooLarge(shown));
  return { name: basename(path), mediaType: detectImage(bytes, shown), bytes };
}
