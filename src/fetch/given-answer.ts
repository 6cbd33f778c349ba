import { BODILESS } from "../base/bytes/packed-answers.ts";
import { GeppettoError } from "../shared/errors.ts";
import { isObject } from "../shared/is-object.ts";
import { HEADER_VALUE, TOKEN } from "../shared/values/header-text.ts";
import type { AnswerHead } from "./fetch-source.ts";

/** The name under which an execution asks what became of a request. */
export const FETCH = "fetch";

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
  if (other !== undefined) throw unfit(`; there is no field ${JSON.stringify(other.slice(0, 100))}`);
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599)
    throw unfit(", with a status from 200 to 599");
  if (!isObject(headers)) throw unfit(", with headers that are an object");
  const pairs = Object.entries(headers).map(([name, text]): [string, string] => {
    if (!TOKEN.test(name) || typeof text !== "string" || !HEADER_VALUE.test(text))
      throw unfit(`; HTTP cannot have the header ${JSON.stringify(name.slice(0, 100))}, or its value`);
    return [name.toLowerCase(), text];
  });
  const hasBody = body !== undefined && body !== null && !BODILESS.has(status);
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
