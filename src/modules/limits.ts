import { MAX_FRAME_CHARS } from "../shared/frames.ts";

/** Most bytes of one module, the script among them, and of all that a script consists of. */
export const MAX_MODULE_BYTES = 8_000_000;
export const MAX_TOTAL_BYTES = 32_000_000;

/** Most characters of a bundle, and of its mappings, which go to the guest in one frame with the modules' names. */
export const MAX_BUNDLE_CHARS: number = MAX_FRAME_CHARS / 2;
