import { countedValues, timeSource } from "../../../base/time/time-source.ts";
import { GeppettoError } from "../../../shared/errors.ts";
import type { TextMessage } from "../../../shared/chat-messages.ts";
import type { StepContext, StepEmission, StepSource } from "../../../steps/step.ts";
import { type StreamElement, textElement, toolCallElement } from "../../elements/element.ts";
import type { StageContext } from "../../stage.ts";
import { untilAborted } from "../../../base/until-aborted.ts";

/** The chat step of a stage, and what the stage's author chose for it. */
export interface ChatSource {
  step: StepSource<{ options: unknown; input: unknown }, TextMessage>;
  options: Record<string, unknown>;
}

export interface AnswerOptions {
  context: StageContext;
  /** Aborted when the answer is no longer wanted. */
  interruption: AbortSignal;
  /** Hands an element on; rejects when the stage is to stop or the answer is no longer wanted. */
  write(element: StreamElement): Promise<void>;
  /** Is each piece of text handed on? */
  streaming: boolean;
}

/**
 * Runs a chat step for one exchange: its events become elements. Resolves with the assistant's message, which is what was
 * said so far when the answer was interrupted; undefined where nothing was.
 *
 * @throws {unknown} what the step throws; `context.signal.reason` when the stage is to stop.
 */
export async function streamAnswer(
  { step, options }: ChatSource,
  messages: readonly unknown[],
  { context, interruption, write, streaming }: AnswerOptions,
): Promise<TextMessage | undefined> {
  const signal = AbortSignal.any([context.signal, interruption]);
  const { type, inputType, outputType } = step.info;
  const meta = { messageId: timeSource().uuid(), parentId: "", engine: "" };
  let said = "";
  const stepContext: StepContext = {
    runId: context.runId,
    signal,
    meta,
    metadata: { stepId: context.runId, type, inputType, outputType, startedAt: timeSource().now() },
    async publish(emission) {
      signal.throwIfAborted();
      if (emission.type === "partial") said += emission.delta;
      const element = toElement(emission, streaming);
      if (element === undefined) context.touch();
      else await write(element);
    },
    reserve: () => {},
    callGuest: async (name) => {
      throw new GeppettoError("StepError", `Cannot call ${name}: a pipeline has no script`);
    },
  };
  try {
    let answer: TextMessage | undefined;
    const input = { options, input: { messages } };
    for await (const message of untilAborted(countedValues(step.run(input, stepContext)), signal)) answer = message;
    return answer!;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!interruption.aborted) throw error;
    return said === "" ? undefined : toInterruptedMessage(said, meta.messageId);
  }
}

function toElement(emission: StepEmission, streaming: boolean): StreamElement | undefined {
  if (emission.type === "tool-call") return toolCallElement(emission.toolCall);
  return emission.type === "partial" && streaming ? textElement(emission.delta) : undefined;
}

function toInterruptedMessage(text: string, id: string): TextMessage {
  const time = new Date(timeSource().now()).toISOString();
  const metadata = { interrupted: true };
  return { type: "chat-message", id, parentID: "", time, lastUpdate: time, metadata, role: "assistant", text };
}
