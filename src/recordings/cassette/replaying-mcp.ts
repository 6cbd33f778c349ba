import { timeSource } from "../../base/time/time-source.ts";
import type { CallPart, McpSource } from "../../mcp/mcp-source.ts";
import { withNames } from "../../mcp/server-settings.ts";
import type { Cassette } from "./cassette.ts";
import { describeMcpRequest, toRecordedCall, toRecordedQuestion } from "./mcp-recording.ts";
import { endAsRecorded, RecordedAnswers } from "./recorded-answers.ts";
import { isMcpRecording, timeOf, type McpRecording } from "./recording.ts";
import type { ReplayOptions } from "./replaying-provider.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface McpReplayOptions extends Pick<ReplayOptions, "repeats" | "onServe"> {
  /** Is asked for what was not recorded; default nobody is. */
  otherwise?: McpSource;
}

/**
 * Gives scripts the recorded answers of MCP servers, what they told meanwhile among it, and asks nobody. Servers that are
 * recorded are there for scripts, even where `source` does not know them. A call is known by server, tool and arguments; one
 * that was recorded several times gets its answers in the order in which they were asked for.
 *
 * Calls reject with a `ReplayError` ("ERR_REPLAY_MISS") where there is none: it names the nearest recording and the first
 * field that differs.
 */
export function replayingMcp(source: McpSource, cassette: Cassette, options: McpReplayOptions = {}): McpSource {
  refuseWrong("replay", options, { repeats: true, otherwise: true, onServe: true });
  const { repeats = "repeat", onServe, otherwise } = options;
  const what = "recorded answers of MCP servers";
  const describe = describeMcpRequest;
  const answers = new RecordedAnswers(cassette, isMcpRecording, { repeats, what, describe, onServe });
  const recorded = cassette.recordings.filter(isMcpRecording).map(({ request }) => request.model);
  return {
    servers: withNames(source.servers, recorded),
    isRecorded: otherwise === undefined,
    // A second time the same is said.
    effectOf: () => Promise.resolve("none"),
    async *call(call, signal) {
      const asked = toRecordedCall(call, cassette.redact);
      if (otherwise !== undefined && !answers.has(asked)) return yield* otherwise.call(call, signal);
      signal.throwIfAborted();
      return yield* replayed(answers.next(asked), signal);
    },
    async ask(question, signal) {
      const asked = toRecordedQuestion(question, cassette.redact);
      if (otherwise !== undefined && !answers.has(asked)) return otherwise.ask(question, signal);
      signal.throwIfAborted();
      let value: unknown;
      for await (const part of replayed(answers.next(asked), signal)) if ("result" in part) value = part.result;
      return value;
    },
  };
}

async function* replayed(recording: McpRecording, signal: AbortSignal): AsyncGenerator<CallPart> {
  const { told, value, end } = recording;
  // As from a server: whoever cancels is heard in between.
  const arrive = (part: number): Promise<void> => timeSource().sleep(0, signal, timeOf(recording, part));
  for (const [index, part] of told.entries()) {
    await arrive(index);
    yield structuredClone(part);
  }
  if (end !== "interrupted") await arrive(told.length);
  await endAsRecorded(recording, signal);
  yield { result: structuredClone(value) };
}
