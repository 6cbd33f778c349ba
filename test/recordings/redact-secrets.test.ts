import { describe, expect, it } from "vitest";
import { mayHoldAny, redactSecrets } from "../../src/recordings/redact-secrets.ts";
import { timed } from "../machine/machine-watch.ts";

const redact = (text: string): string => redactSecrets(text, "");
const TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4";
const KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----";

describe("mayHoldAny()", () => {
  it("finds in JSON what redactorFor() would take out", () => {
    for (const secret of ["hidden-value", 'with "quotes" in it', "über-geheim"]) {
      const json = JSON.stringify({ a: [`x ${secret}`], inner: JSON.stringify(secret) });
      expect(mayHoldAny([secret])(json)).toBe(true);
    }
    const may = mayHoldAny(["hidden-value", "short"]);
    expect([may('["hidden"]'), may('["short"]'), may('["Bearer abc"]')]).toEqual([false, false, true]);
  });
});

describe("redactSecrets()", () => {
  it.each([
    [`jwt=${TOKEN};`, "jwt=[redacted];"],
    [`a-${TOKEN}.rest ${TOKEN}`, "a-[redacted].rest [redacted]"],
    [`long-enough-part.${TOKEN}`, "long-enough-part.[redacted]"],
    ["eyJ.eyJ.eyJ", "eyJ.eyJ.eyJ"],
    [`one ${KEY} two ${KEY}${KEY}`, "one [redacted] two [redacted][redacted]"],
    ["-----BEGIN PRIVATE KEY----- has no end", "-----BEGIN PRIVATE KEY----- has no end"],
    ["-----END PRIVATE KEY----- comes first", "-----END PRIVATE KEY----- comes first"],
    ["Bearer abcdefgh.ijkl== and sk-proj-abcdefghij", "[redacted] and [redacted]"],
  ])("makes %j %j", (text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  it.each(["-----BEGIN PRIVATE KEY-----", "eyJ-", "eyJabcdefghijk.", "Bearer ", "sk-", "eyJ"])(
    "takes no longer than a text of a million characters of %j is long",
    async (piece) => {
      const text = piece.repeat(1_000_000 / piece.length);
      const { ms, allow } = await timed(async () => redact(text));
      expect(ms).toBeLessThan(allow(300));
    },
  );
});
