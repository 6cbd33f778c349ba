import { GeppettoError } from "../shared/errors.ts";
import { isObject } from "../shared/is-object.ts";
import type { AnswerHead } from "./fetch-source.ts";

/** The name under which an execution asks what became of a request. */
export const FETCH = "fetch";

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Answers that have no body. */
const BODILESS: readonly unknown[] = [204, 205, 304];

/**
 * The answer to a request, from what somebody says that it was: `{ status, headers, body }`. The headers are a record; a body
 * that is not a text is sent as JSON.
 *
 * @throws {GeppettoError} ValidationError for what no server can have answered.
 */
export function parseGivenAnswer(value: unknown, url: string): AnswerHead {
  if (!isObject(value)) throw unfit("");
  const { status, headers = {}, body, ...others } = value;
  const [other] = Object.keys(others);
  if (other !== undefined) throw unfit(`, and ${JSON.stringify(other.slice(0, 100))} is none of them`);
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599)
    throw unfit(", with a status from 200 to 599");
  if (!isObject(headers)) throw unfit(", with headers that are an object");
  const pairs = Object.entries(headers).map(([name, text]): [string, string] => {
    if (!HEADER_NAME.test(name) || typeof text !== "string" || !HEADER_VALUE.test(text))
      throw unfit(`, with headers that HTTP can have: ${JSON.stringify(name.slice(0, 100))} is none`);
    return [name.toLowerCase(), text];
  });
  const hasBody = body !== undefined && body !== null && !BODILESS.includes(status);
  const isText = typeof body === "string";
  if (hasBody && !isText && !pairs.some(([name]) => name === "content-type"))
    pairs.push(["content-type", "application/json"]);
  return {
    url,
    status: status as number,
    statusText: "",
    headers: pairs,
    isRedirected: false,
    hasBody,
    ...(hasBody ? { text: isText ? body : JSON.stringify(body) } : {}),
  };
}

function unfit(why: string): GeppettoError {
  const form = '{ "status": 200, "headers": {…}, "body": … }';
  return new GeppettoError(
    "ValidationError",
    `Cannot resolve the call: the answer to a request of fetch is to be given as ${form}${why}`,
    { code: "ERR_EXECUTION_ANSWER" },
  );
}
