import { listOf, recordOf, stringOf } from "../input/unknown-fields.ts";

/** What a server says of a failure, in whichever dress. */
export interface FailureFacts {
  /** An HTTP status, where one stands in the body. */
  status: number | undefined;
  /** Its own words for the kind of failure: types and codes, separated by spaces. */
  tag: string;
  /** Its own text, "" where it has none. */
  text: string;
}

const MAX_DEPTH = 4;
const TEXT_FIELDS =
  "message msg detail details error_description error_message errorMessage error_msg errorMsg status_msg reason description faultstring Message title".split(
    " ",
  );
const TAG_FIELDS = "type code status error_code errorCode err_code __type name".split(" ");
const STATUS_FIELDS = "status status_code statusCode http_status code error_code errorCode err_code".split(" ");
const INNER_FIELDS = "error errors err fault detail base_resp".split(" ");
/** Most problems of a list that are read. */
const MAX_LISTED = 20;
/** The codes of MiniMax, which answers 200 whatever has happened. */
const BASE_RESP_STATUS: Record<number, number> = {
  1001: 504,
  1002: 429,
  1004: 401,
  1008: 402,
  1026: 400,
  1027: 400,
  1039: 429,
  1041: 429,
  2013: 400,
  2049: 401,
};

/** Reads what stands in the body of an error, or in an event that reports one. */
export function factsOfFailure(given: unknown, depth = 0): FailureFacts {
  const none: FailureFacts = { status: undefined, tag: "", text: "" };
  if (depth > MAX_DEPTH) return none;
  if (typeof given === "string") return { ...none, text: given };
  const list = listOf(given);
  if (list !== undefined) return joinFacts(list.slice(0, MAX_LISTED).map((part) => factsOfFailure(part, depth + 1)));
  const record = recordOf(given);
  if (record === undefined) return none;
  const inner = joinFacts(INNER_FIELDS.map((field) => factsOfFailure(record[field], depth + 1)));
  const own = textOf(record, depth);
  const raw = stringOf(recordOf(record["metadata"])?.["raw"]);
  const texts = typeof record["error"] === "string" ? [record["error"], own] : [inner.text || own];
  const tags = TAG_FIELDS.map((field) => stringOf(record[field]));
  return {
    status: inner.status ?? statusOf(record),
    tag: [inner.tag, ...tags].filter(Boolean).join(" "),
    text: [...new Set([...texts, raw])].filter(Boolean).join(": "),
  };
}

/**
 * What of an event says that the answer has failed; undefined for one that does not.
 *
 * @param hasAnswer the event holds a piece of an answer: then only an explicit error counts.
 */
export function failureIn(event: unknown, hasAnswer = false): unknown {
  const list = listOf(event);
  if (list !== undefined) return list.map((part) => failureIn(part, hasAnswer)).find((part) => part !== undefined);
  const record = recordOf(event);
  if (record === undefined) return undefined;
  const { status_code: baseCode } = recordOf(record["base_resp"]) ?? {};
  const isFailure =
    isSet(record["error"]) ||
    (listOf(record["errors"])?.length ?? 0) > 0 ||
    record["object"] === "error" ||
    record["type"] === "error" ||
    isCode(baseCode) ||
    isCode(record["error_code"]);
  if (isFailure) return record;
  if (hasAnswer) return undefined;
  const tells =
    record["success"] === false ||
    isSet(record["detail"]) ||
    isSet(record["fault"]) ||
    /^(?:error|fail|failed|failure)$/i.test(stringOf(record["status"]) ?? "") ||
    TEXT_FIELDS.slice(0, 2).some((field) => stringOf(record[field])) ||
    TEXT_FIELDS.slice(4).some((field) => /error|fault/i.test(field) && stringOf(record[field]));
  return tells ? record : undefined;
}

/** The first text there is, with the place that it is about, as validators write it. */
function textOf(record: Record<string, unknown>, depth: number): string {
  for (const field of TEXT_FIELDS) {
    const { text } = factsOfFailure(record[field], depth + 1);
    if (text === "") continue;
    const place = listOf(record["loc"]);
    return place === undefined ? text : `${place.slice(0, MAX_LISTED).map(String).join(".")}: ${text}`;
  }
  // FastChat has its text where an answer has it.
  return ("error_code" in record ? stringOf(record["text"]) : undefined) ?? "";
}

function joinFacts(facts: readonly FailureFacts[]): FailureFacts {
  return {
    status: facts.map(({ status }) => status).find((status) => status !== undefined),
    tag: facts.map(({ tag }) => tag).find((tag) => tag !== "") ?? "",
    text: [...new Set(facts.map(({ text }) => text))].filter((text) => text !== "").join("; "),
  };
}

function statusOf(record: Record<string, unknown>): number | undefined {
  for (const field of STATUS_FIELDS) {
    const given = record[field];
    const code = typeof given === "number" || typeof given === "string" ? Number(given) : NaN;
    if (field === "status_code" && BASE_RESP_STATUS[code] !== undefined) return BASE_RESP_STATUS[code];
    if (!Number.isInteger(code)) continue;
    if (code >= 400 && code <= 599) return code;
    // FastChat and its kin put two digits of their own behind the status.
    if (code >= 40_000 && code <= 59_999) return Math.trunc(code / 100);
  }
  return undefined;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== "" && value !== 0;
}

/** A code that is not the one for success. */
function isCode(value: unknown): boolean {
  return isSet(value) && Number(value) !== 0;
}
