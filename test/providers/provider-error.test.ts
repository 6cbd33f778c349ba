import { describe, expect, it } from "vitest";
import { providerErrorExtras, toProviderError } from "../../src/providers/provider-error.ts";
import { cleanProviderText } from "../../src/providers/redact.ts";

const origin = { provider: "openai", secrets: ["hunter2-key"] };
const classify = (status: number | undefined, error: object, headers?: Headers) =>
  toProviderError({ status, error, headers }, origin);

describe("toProviderError()", () => {
  it.each([
    [429, { message: "slow", code: "rate_limit_exceeded" }, "ERR_RATE_LIMIT", true, "rate limit"],
    [429, { message: "x", code: "insufficient_quota" }, "ERR_QUOTA", false, "quota"],
    [402, { message: "pay" }, "ERR_QUOTA", false, "quota"],
    [400, { error: { message: "Your credit balance is too low" } }, "ERR_QUOTA", false, "quota"],
    [401, { message: "who?" }, "ERR_INVALID_KEY", false, "invalid api key"],
    [400, { message: "x", code: "context_length_exceeded" }, "ERR_CONTEXT_LENGTH", false, "context length"],
    [
      400,
      { error: { message: "prompt is too long: 9 tokens > 8 maximum" } },
      "ERR_CONTEXT_LENGTH",
      false,
      "context length",
    ],
    [413, { error: { type: "request_too_large", message: "x" } }, "ERR_CONTEXT_LENGTH", false, "context length"],
    [500, { message: "the request exceeds the available context size" }, "ERR_CONTEXT_LENGTH", false, "context length"],
    [529, { error: { type: "overloaded_error" } }, "ERR_OVERLOADED", true, "overloaded"],
    [undefined, { error: { type: "overloaded_error" } }, "ERR_OVERLOADED", true, "overloaded"],
    [404, { message: "x", code: "model_not_found" }, "ERR_MODEL_NOT_FOUND", false, "model not found"],
    [404, { message: "Not Found" }, "ERR_PROVIDER", false, "no such address"],
    [403, { message: "region" }, "ERR_PROVIDER", false, "access refused"],
    [408, { message: "x" }, "ERR_PROVIDER_TIMEOUT", true, "timed out"],
    [409, { message: "x" }, "ERR_PROVIDER", true, "conflict"],
    [502, { message: "x" }, "ERR_PROVIDER", true, "server error"],
    [422, { detail: "bad field" }, "ERR_BAD_REQUEST", false, "bad field"],
    [undefined, { message: "x", code: 400 }, "ERR_BAD_REQUEST", false, "(400)"],
    [undefined, { message: "x" }, "ERR_PROVIDER_STREAM", true, "mid-stream"],
  ])("sorts %s %j as %s", (status, error, code, isTransient, phrase) => {
    const sorted = classify(status, error);
    expect(sorted).toMatchObject({ name: "ProviderError", code, isTransient });
    expect(sorted.includes(phrase)).toBe(true);
  });

  it("carries the wished pause and the request id without showing them", () => {
    const error = classify(429, { message: "x" }, new Headers({ "retry-after": "2", "x-request-id": "req_1" }));
    expect(providerErrorExtras(error)).toEqual({ retryAfterMs: 2000, requestId: "req_1" });
    expect(Object.keys(error)).not.toContain("retryAfterMs");
    expect(classify(503, {}, new Headers({ "x-should-retry": "false" })).isTransient).toBe(false);
  });

  it("says nothing of what an unexpected exception refers to", () => {
    const error = toProviderError(new Error("open /srv/models/a.gguf with hunter2-key failed"), origin);
    expect(error.message).toBe("openai: failed: open [path] with [redacted] failed");
    expect(error.cause).toBeUndefined();
  });
});

describe("cleanProviderText()", () => {
  it.each([
    ["Incorrect API key provided: sk-proj-abcdefgh1234. You can", "Incorrect API key provided: [redacted]. You can"],
    ["Incorrect API key provided: x1yz. You", "Incorrect API key provided: [redacted]. You"],
    ["header Authorization: Bearer abc.def-ghi!", "header Authorization: [redacted]"],
    ["<html><head><title>502 Bad Gateway</title></head><body>x</body></html>", "502 Bad Gateway"],
    ["a\u0000b\n\n c\u001b[31m", "a b c [31m"],
    [
      "POST /v1/chat/completions, see https://example.com/docs/errors",
      "POST /v1/chat/completions, see https://example.com/docs/errors",
    ],
    ["no file /srv/models/a.gguf or C:\\models\\b.gguf", "no file [path] or [path]"],
  ])("makes %j fit to be shown", (given, shown) => {
    expect(cleanProviderText(given, [])).toBe(shown);
  });

  it("is never longer than 500 characters", () => {
    expect(cleanProviderText("é😀".repeat(1000), []).length).toBeLessThanOrEqual(500);
  });
});
