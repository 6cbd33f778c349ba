import {
  isControl,
  PipelineBuilder,
  type PipelineMessage,
  type Stage,
  type StreamElement,
} from "../../../src/pipeline/index.ts";

type Input = Iterable<StreamElement | string> | AsyncIterable<StreamElement | string> | StreamElement | string;

/** All that comes out of these stages, one after the other; errors are elements. */
export async function runStages(
  stages: readonly Stage[],
  input: Input,
  signal?: AbortSignal,
): Promise<StreamElement[]> {
  const pipeline = new PipelineBuilder().chain(...stages).build();
  const elements: StreamElement[] = [];
  for await (const element of pipeline.execute(input, signal === undefined ? {} : { signal })) elements.push(element);
  return elements;
}

/** In words: texts as they are, messages as `role: text`, signals and all else by their kinds. */
export function inWords(elements: readonly StreamElement[]): string[] {
  return elements.map((element) => {
    if (element.kind === "text") return element.text;
    if (element.kind === "message") return messageInWords(element.message);
    if (element.kind === "error") return `error: ${element.error.message}`;
    return isControl(element) ? `<${element.kind}>` : element.kind;
  });
}

export function messageInWords(message: PipelineMessage): string {
  return "role" in message ? `${message.role}: ${message.text}` : message.type;
}

/** The messages among the elements. */
export function messagesOf(elements: readonly StreamElement[]): PipelineMessage[] {
  return elements.flatMap((element) => (element.kind === "message" ? [element.message] : []));
}
