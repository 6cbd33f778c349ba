import { brokenStream } from "../provider-error.ts";

/** Events that OpenAI numbers; what a gateway puts between them may have any number. */
const NUMBERED =
  /^(?:error|response\.(?:created|queued|in_progress|completed|incomplete|failed|cancelled|(?:output_item|content_part|output_text|refusal|function_call_arguments|custom_tool_call_input|reasoning|reasoning_text|reasoning_summary|reasoning_summary_part|reasoning_summary_text|audio|file_search_call|web_search_call|image_generation_call|code_interpreter_call|code_interpreter_call_code|mcp_call|mcp_call_arguments|mcp_list_tools)\.[\w.]+))$/;

/**
 * Follows the numbers of a stream's events. One that is left out, or comes twice, is a delta that is lost or doubled. A
 * server that gives all events the same number does not number them.
 */
export class SequenceCheck {
  readonly #provider: string;
  #last: number | undefined;
  /** The same number has come again, and no other yet. */
  #isStill = false;
  #hasMoved = false;

  constructor(provider: string) {
    this.#provider = provider;
  }

  /** @throws {GeppettoError} ProviderError ERR_PROVIDER_STREAM for a number that does not follow. */
  see({ type, sequence_number: given }: Record<string, unknown>): void {
    if (typeof given !== "number") return;
    const last = this.#last;
    if (!NUMBERED.test(String(type)) && given !== (last ?? given) + 1) return;
    this.#last = given;
    if (last === undefined) return;
    if (given === last && !this.#hasMoved) {
      this.#isStill = true;
      return;
    }
    if (given <= last) throw brokenStream(this.#provider, `the stream repeats events: ${given} came after ${last}`);
    if (this.#isStill) throw brokenStream(this.#provider, `the stream repeats events: ${last} came twice`);
    if (given > last + 1) throw brokenStream(this.#provider, `the stream lost events: ${given} came after ${last}`);
    this.#hasMoved = true;
  }
}
