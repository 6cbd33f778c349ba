/** The text of values, "as console.log shows it". The parts are in inspect/. */
import { formatArguments } from "../inspect/format.ts";

export { formatArguments } from "../inspect/format.ts";
export { customInspect, inspect } from "../inspect/inspect.ts";
export { withoutRuntimeFrames } from "../inspect/error-text.ts";

/**
 * The text of one value as `console.log` shows it: strings as they are, the rest inspected. Never throws.
 *
 * @example
 * formatValue({ a: [1, 2] }); // "{ a: [ 1, 2 ] }"
 */
export function formatValue(value: unknown, options: { colors?: boolean } = {}): string {
  return formatArguments([value], options);
}
