import type { Diagnostic } from "../type-check/parse-diagnostics.ts";
import { chainBefore } from "./call-chain.ts";
import { hintForGlobal, hintForMember } from "./missing-names.ts";
import { offsetOf, type Frame } from "./source-frame.ts";

/** What the compiler advises that is right for Node or for a browser, and wrong for scripts. */
const FOREIGN_ADVICE =
  /\s*(?:Do you need to (?:install type definitions|change your target library)|Try (?:`npm i|changing the 'lib')).*$/;

/** The compiler's message, without advice that is of no use here, and what to do instead. */
export function withHint(
  { message, code }: Pick<Diagnostic, "message" | "code">,
  frame: Pick<Frame, "source" | "line" | "column"> | undefined,
): { message: string; hint?: string } {
  const plain = message.replace(FOREIGN_ADVICE, "");
  const hint = hintOf(plain, code, frame);
  return { message: plain, ...(hint === undefined ? {} : { hint }) };
}

function hintOf(
  message: string,
  code: string,
  frame: Pick<Frame, "source" | "line" | "column"> | undefined,
): string | undefined {
  const [, name] = /^Cannot find name '([^']+)'/.exec(message) ?? [];
  if (name !== undefined && !message.includes("Did you mean")) return hintForGlobal(name);
  if (/ on type 'Promise<.*>'\.$/.test(message)) return "a promise has no such member: await it first";
  if (frame === undefined || !/^TS(?:2339|2551)$/.test(code)) return undefined;
  const at = offsetOf(frame as Frame);
  const chain = chainBefore(frame.source, at);
  const [member] = /^[\w$]+/.exec(frame.source.slice(at)) ?? [];
  return chain === undefined || member === undefined ? undefined : hintForMember(`${chain}.${member}`);
}
