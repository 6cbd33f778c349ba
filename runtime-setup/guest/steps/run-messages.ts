/**
 * What the guest says of runs of steps that were made here, written without an encoder: it is said of every run, and most
 * of it is the same each time. The texts are those that the encoder would make.
 */
import { encodeValue } from "../../../src/shared/codec.ts";
import { GUEST_STEP, type RunStart, type RunYield } from "../../../src/shared/contract/runs.ts";
import { plainText } from "../../../src/shared/plain-text.ts";
import { JSONStringify, SafeWeakMap } from "../../../src/shared/primordials.ts";
import type { StepBinding } from "./step-body.ts";

/** The end of each start of a run of the step: what it says of itself. */
const infos = new SafeWeakMap<StepBinding, string>();

function infoOf(binding: StepBinding): string {
  let text = infos.get(binding);
  if (text === undefined) {
    const { type, inputType, outputType, kind } = binding;
    text = `"step":${JSONStringify(GUEST_STEP)},"info":${encodeValue({ type, inputType, outputType, kind })}`;
    infos.set(binding, text);
  }
  return text;
}

/** That a run of a step of the guest's begins. Ids are those of runs: nothing in them needs to be escaped. */
export function startText(
  binding: StepBinding,
  {
    id,
    delivery,
    parent,
    inherits,
    forwards,
    isUndecided,
    part,
    timeoutMs,
    interception,
    hasBegun,
  }: Omit<RunStart, "step">,
): string {
  let text = `{"id":"${id}","delivery":"${delivery}"`;
  if (parent !== undefined) text += `,"parent":"${parent}"`;
  text += inherits === true ? ',"inherits":true' : ',"inherits":false';
  if (forwards !== undefined) text += forwards ? ',"forwards":true' : ',"forwards":false';
  text += isUndecided === true ? ',"isUndecided":true' : ',"isUndecided":false';
  if (part !== undefined) text += `,"part":${part}`;
  if (timeoutMs !== undefined) text += `,"timeoutMs":${encodeValue(timeoutMs)}`;
  if (interception !== undefined) text += `,"interception":${encodeValue(interception)}`;
  text += `,${infoOf(binding)}`;
  if (hasBegun !== undefined) text += hasBegun ? ',"hasBegun":true' : ',"hasBegun":false';
  return `${text}}`;
}

/** That the body of a run hands out this result; undefined for one that takes an encoder. */
export function yieldText({ id, value, loss, endsPart }: RunYield): string | undefined {
  const text = loss === undefined ? plainText(value) : undefined;
  if (text === undefined) return undefined;
  return endsPart === undefined
    ? `{"id":"${id}","value":${text}}`
    : `{"id":"${id}","value":${text},"endsPart":${endsPart}}`;
}

/** That a call of a run's has come to its end, and to nothing that crosses. */
export function endText(id: string, callId: number): string {
  return `{"id":"${id}","callId":${callId}}`;
}
