/** Longest time that a timer of Node, or of the web, can measure, in milliseconds. */
export const MAX_TIMER_MS = 2_147_483_647;

/** Most random bytes that one call may ask for; the web platform sets it. */
export const MAX_RANDOM_BYTES = 65_536;

/** Smallest heap that an isolate can live in, and largest that V8 is asked for, in megabytes. */
export const MIN_MEMORY_MB = 8;
export const MAX_MEMORY_MB = 1_000_000;
