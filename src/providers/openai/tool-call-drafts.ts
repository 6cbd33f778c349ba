import { JSON_LIMITS, JsonProgress } from "../answer/json-progress.ts";
import { type AnswerText, MAX_CALLS, tooLarge } from "../answer/answer-text.ts";
import { argumentsTextOf, toToolCallChunk } from "../answer/tool-arguments.ts";
import type { ToolCallChunk } from "../chat-provider.ts";
import { countOf, recordOf, stringOf } from "../input/unknown-fields.ts";
import { brokenStream } from "../provider-error.ts";

const MAX_NAME_CHARS = 1024;

/** One call as it comes together. */
class Draft {
  id: string;
  name: string;
  readonly index: number | undefined;
  /** The server says the name again with each fragment. */
  repeatsName = false;
  readonly #progress = new JsonProgress();
  #parts: string[] = [];
  #isNull = false;

  constructor(id: string, name: string, index: number | undefined) {
    this.id = id;
    this.name = name;
    this.index = index;
  }

  get argumentsText(): string {
    if (this.#parts.length > 1) this.#parts = [this.#parts.join("")];
    return this.#parts[0] ?? "";
  }

  /** Nothing more is to come: the arguments are a whole list or object, or null was sent for them. */
  get isComplete(): boolean {
    return this.#parts.length === 0 ? this.#isNull : this.#progress.isComplete;
  }

  get hasArguments(): boolean {
    return this.#parts.length > 0;
  }

  get isTooLong(): boolean {
    return this.#progress.isTooLong;
  }

  add(text: string | null): void {
    if (text === null) this.#isNull = true;
    else if (text !== "") {
      this.#parts.push(text);
      this.#progress.push(text);
    }
  }
}

interface Fragment {
  id: string;
  name: string;
  index: number | undefined;
  /** null where the server sends null, "" where it sends nothing. */
  text: string | null;
}

/**
 * Puts tool calls together that come in fragments. Servers say in different ways to which call a fragment belongs: by
 * index, by id, by neither; some number all calls 0. An id decides where there is no index, or where the index says
 * otherwise; a name after complete arguments begins a new call, and so do two names in one delta.
 */
export class ToolCallDrafts {
  readonly #provider: string;
  readonly #answer: AnswerText;
  readonly #drafts: Draft[] = [];
  /** Those that the current delta has added to. */
  #touched = new Set<Draft>();

  /** @param answer the one that the calls belong to, and count for. */
  constructor(provider: string, answer: AnswerText) {
    this.#provider = provider;
    this.#answer = answer;
  }

  get count(): number {
    return this.#drafts.length;
  }

  /**
   * Takes the fragments of one delta.
   *
   * @throws {GeppettoError} ProviderError for more calls, or longer arguments, than one answer may have.
   */
  add(fragments: readonly unknown[]): void {
    this.#touched = new Set();
    for (const given of fragments) {
      const fragment = toFragment(given);
      if (fragment === undefined) continue;
      const draft = this.#draftFor(fragment);
      this.#touched.add(draft);
      // The whole call once more, as some servers end their streams.
      if (draft.isComplete && fragment.name === draft.name && fragment.text === draft.argumentsText) continue;
      this.#extend(draft, fragment);
    }
  }

  /** Adds calls that came whole, but for those that are there already. */
  addWhole(calls: readonly unknown[]): void {
    const known = [...this.#drafts];
    for (const given of calls) {
      const fragment = toFragment(given);
      if (fragment === undefined) continue;
      const { id, name, text } = fragment;
      const place = known.findIndex(
        (draft) => (id !== "" && draft.id === id) || (draft.name === name && draft.argumentsText === (text ?? "")),
      );
      if (place >= 0) known.splice(place, 1);
      else this.#extend(this.#open(fragment), fragment);
    }
  }

  /**
   * The calls, whole, in the order in which they began, each with an id of its own.
   *
   * @param makeId gives one to the call at this place, where the server gave none, or one that is taken.
   * @throws {GeppettoError} ProviderError for a call without a name.
   */
  *toChunks(makeId: (place: number) => string): Generator<ToolCallChunk, void, undefined> {
    const ids = new Set<string>();
    for (const [place, { id, name, index, argumentsText }] of this.#drafts.entries()) {
      if (name === "") {
        const which = [index === undefined ? "" : `index ${index}`, id && `id ${id}`].filter(Boolean).join(", ");
        const shown = argumentsText.slice(0, 200).toWellFormed() || "empty";
        throw brokenStream(
          this.#provider,
          `the answer holds a tool call without a name${which && ` (${which})`}: its arguments are ${shown}`,
        );
      }
      const ownId = id === "" || ids.has(id) ? makeId(place) : id;
      ids.add(ownId);
      yield toToolCallChunk(ownId, name, argumentsText);
    }
  }

  #extend(draft: Draft, { id, name, text }: Fragment): void {
    draft.id ||= id;
    if (draft.name === "") draft.name = name;
    else if (name !== draft.name && !draft.hasArguments) draft.name += name;
    draft.add(text);
    this.#answer.count(text?.length ?? 0);
    if (draft.name.length > MAX_NAME_CHARS) {
      throw tooLarge(this.#provider, `the name of a tool call has more than ${MAX_NAME_CHARS} characters`);
    }
    if (draft.isTooLong) {
      throw tooLarge(this.#provider, `the arguments of a tool call have more than ${JSON_LIMITS.chars} characters`);
    }
  }

  #draftFor(fragment: Fragment): Draft {
    const found = fragment.index === undefined ? this.#findById(fragment) : this.#findByIndex(fragment);
    return found ?? this.#open(fragment);
  }

  #open({ id, name, index }: Fragment): Draft {
    if (this.#drafts.length >= MAX_CALLS) throw tooLarge(this.#provider, `it has more than ${MAX_CALLS} tool calls`);
    const draft = new Draft(id, name, index);
    this.#drafts.push(draft);
    return draft;
  }

  /** Undefined: the fragment begins a call. */
  #findById(fragment: Fragment): Draft | undefined {
    const { id, name } = fragment;
    const last = this.#drafts.at(-1);
    if (id !== "") {
      const own = this.#drafts.findLast((draft) => draft.id === id);
      if (own !== undefined) return this.#isNewCall(own, fragment) ? undefined : own;
      // A new id without a name is a server that numbers fragments, as long as there is something to go on with.
      return name === "" && last !== undefined && !last.isComplete && fragment.text !== "" ? last : undefined;
    }
    return last === undefined || this.#isNewCall(last, fragment) ? undefined : last;
  }

  #findByIndex(fragment: Fragment): Draft | undefined {
    const { id, name, index } = fragment;
    const own = this.#drafts.findLast((draft) => draft.index === index);
    const byId = id === "" ? undefined : this.#drafts.findLast((draft) => draft.id === id);
    if (own === undefined) {
      // The same id under another index is the same call, unless it says a name of its own.
      return byId !== undefined && name === "" ? byId : undefined;
    }
    if (id === "" || own.id === "" || own.id === id) return this.#isNewCall(own, fragment) ? undefined : own;
    if (byId !== undefined) return this.#isNewCall(byId, fragment) ? undefined : byId;
    return name === "" && (!own.isComplete || fragment.text === "") ? own : undefined;
  }

  /** Does a fragment that may belong to this call begin another one? */
  #isNewCall(draft: Draft, { id, name, text }: Fragment): boolean {
    if (name === "" || draft.name === "") return false;
    const isSame = id !== "" && id === draft.id;
    // A name that comes in pieces, as some proxies cut it.
    if (name !== draft.name) return !isSame || draft.hasArguments || draft.isComplete;
    if (this.#touched.has(draft) && !isSame) return true;
    if (!draft.isComplete) {
      draft.repeatsName = true;
      return false;
    }
    if ((isSame || draft.repeatsName) && (text === "" || text === null)) return false;
    return !isSame || text !== draft.argumentsText;
  }
}

/** Undefined for a fragment that holds nothing. */
function toFragment(given: unknown): Fragment | undefined {
  const record = recordOf(given) ?? {};
  const fields = recordOf(record["function"]) ?? record;
  const { arguments: args = "" } = fields;
  const written = argumentsTextOf(args);
  const text = written === "" && args !== "" ? null : written;
  const id = idOf(record["id"]);
  const name = stringOf(fields["name"]) ?? "";
  if (id === "" && name === "" && (text === "" || text === null)) return undefined;
  return { id, name, index: countOf(record["index"]), text };
}

function idOf(given: unknown): string {
  return typeof given === "number" ? String(given) : (stringOf(given) ?? "");
}
