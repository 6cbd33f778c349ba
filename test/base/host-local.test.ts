import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

const MODULE = new URL("../../src/base/time/host-local.ts", import.meta.url).href;
const CODE = `import { hostLocal } from ${JSON.stringify(MODULE)};
const { timeZone, locale } = new Intl.DateTimeFormat().resolvedOptions();
console.log(JSON.stringify([hostLocal(), { timeZone, locale }]));`;

function local(env: Record<string, string>): [told: object, formatted: object] {
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", CODE], { env, encoding: "utf8" });
  return JSON.parse(printed) as [object, object];
}

describe("The local time of a process", () => {
  it.each([
    { TZ: "Europe/Berlin", LC_ALL: "de_AT.UTF-8" },
    { TZ: "US/Pacific", LC_ALL: "zh_Hant_HK" },
    { TZ: ":Asia/Calcutta", LANG: "sr_Latn_RS" },
    { TZ: "EST5EDT", LC_ALL: "xx_YY" },
    { TZ: "UTC", LC_ALL: "C" },
  ])("is what a DateTimeFormat has: %o", (env) => {
    const [told, formatted] = local(env);
    expect(told).toEqual(formatted);
  });

  it("is UTC where the zone is not known", () => {
    expect(local({ TZ: "Foo/Bar", LC_ALL: "C" })[0]).toEqual({ timeZone: "UTC", locale: "en-US" });
  });
});
