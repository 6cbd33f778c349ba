import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { RuntimeEngine } from "../../src/index.ts";
import { ISOLATIONS } from "../engine/engine-harness.ts";

const TIMES = [
  0,
  1e12,
  123_456_789.9,
  -1e12,
  5e12,
  951_782_400_000,
  1_582_934_400_000,
  1_698_541_200_000,
  1_711_846_800_000,
  1_711_850_400_000,
  1_729_990_800_000,
  1_729_994_400_000,
  -62_135_596_800_000,
  NaN,
];
const TEXTS = [
  "2024-01-01",
  "2024-01-01T00:00",
  "2024-03-31T02:30:00",
  "2024-01-01T00:00:00Z",
  "2024-01-01T00:00:00+05:00",
  "Jan 1 2024",
  "Jan 1 2024 10:00 GMT",
  "Jan 1 2024 10:00 GMT+0900",
  "Mon, 01 Jan 2024 00:00:00 GMT",
  "1/2/2024",
  "1-2-2024",
  "2024-1-5",
  "rubbish",
  "",
  "2024-05",
  "Tue Mar 26 2024 10:00:00 GMT+0100 (Central European Standard Time)",
  "2024-01-01 10:00",
  "2024-01-01 10:00:00Z",
  "Jan 1 2024 10:00 EST",
  "1 January 2024 3:00 PM",
];
const FIELDS = [
  [2024, 2, 31, 2, 30],
  [2024, 9, 27, 2, 30],
  [2024, 2, 10, 2, 30],
  [2024, 10, 3, 1, 30],
  [99, 0],
  [2024, 6, 1, 12, 0, 0, 5],
  [NaN, 1],
];
const GETTERS = [
  "getFullYear",
  "getYear",
  "getMonth",
  "getDate",
  "getDay",
  "getHours",
  "getMinutes",
  "getSeconds",
  "getMilliseconds",
  "getTimezoneOffset",
  "toDateString",
  "toISOString",
  "toUTCString",
  "toJSON",
  "toLocaleString",
  "toLocaleDateString",
  "toLocaleTimeString",
];
const SETTERS: [string, ...number[]][] = [
  ["setFullYear", 2024, 2, 31],
  ["setYear", 99],
  ["setMonth", 5],
  ["setMonth", 2, 31],
  ["setDate", 31],
  ["setHours", 2, 30],
  ["setHours", 25],
  ["setMinutes", 61],
  ["setSeconds", -1],
  ["setMilliseconds", 5],
];

/** All that there is to know of local time, as a list of texts. */
const SURVEY = `(() => {
  const told = [];
  const tell = (read) => { try { told.push(String(read())); } catch (error) { told.push(error.name + ": " + error.message); } };
  for (const ms of ${JSON.stringify(TIMES).replace("null", "NaN")}) {
    for (const name of ${JSON.stringify(GETTERS)}) tell(() => name + " of " + ms + ": " + new Date(ms)[name]());
    if (ms >= 0) tell(() => new Date(ms));
    for (const [name, ...args] of ${JSON.stringify(SETTERS)}) tell(() => { const date = new Date(ms); return name + args + " of " + ms + ": " + date[name](...args) + date.getTime(); });
  }
  for (const text of ${JSON.stringify(TEXTS)}) tell(() => text + ": " + Date.parse(text) + " " + new Date(text).getTime());
  for (const fields of ${JSON.stringify(FIELDS).replace("null", "NaN")}) tell(() => fields + ": " + new Date(...fields).getTime());
  tell(() => new Date(new Date(5)).getTime());
  tell(() => new Date({ valueOf: () => 7 }).getTime());
  tell(() => new Date(null).getTime() + new Date(true).getTime());
  tell(() => new Date(undefined).getTime());
  tell(() => new Date(5n));
  tell(() => new Date(Symbol()));
  tell(() => typeof Date() + Date.length + Date.name + Date.UTC(2024));
  tell(() => new Date(0) + 1);
  tell(() => +new Date(5));
  tell(() => Object.prototype.toString.call(new Date()) + (new Date(0) instanceof Date) + (new Date(0).constructor === Date));
  tell(() => { class Day extends Date { hour() { return this.getHours(); } } return new Day(0).hour() + " " + (new Day(0) instanceof Day); });
  tell(() => Date.prototype.getHours.name + Date.prototype.setHours.length + Object.getOwnPropertyNames(Date.prototype).length);
  tell(() => Date.prototype.getHours.call({}));
  tell(() => { const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions(); return timeZone + locale; });
  tell(() => new Intl.DateTimeFormat("de-DE", { dateStyle: "full", timeStyle: "full" }).format(0));
  tell(() => new Intl.DateTimeFormat(undefined, { timeZone: "America/New_York", timeStyle: "long" }).format(0));
  tell(() => new Intl.NumberFormat().format(1234.5) + (1234.5).toLocaleString() + 12345n.toLocaleString());
  tell(() => [1234.5, new Date(0)].toLocaleString());
  tell(() => new Date(0).toLocaleDateString("de-DE") + new Date(0).toLocaleTimeString("en-US", { timeZone: "UTC" }));
  tell(() => "a".localeCompare("B") + "i".toLocaleUpperCase() + ["ä", "z", "a"].sort(new Intl.Collator().compare));
  if (typeof Temporal === "object") {
    tell(() => Temporal.Now.timeZoneId() + Temporal.Now.zonedDateTimeISO().timeZoneId);
    tell(() => Temporal.Instant.fromEpochMilliseconds(0).toLocaleString() + Temporal.PlainDate.from("2024-01-02").toLocaleString());
    tell(() => Temporal.Now.plainDateTimeISO().hour === new Date().getHours());
  }
  return told;
})()`;

/** What a Node process of its own prints, as JSON. */
async function runNode(args: readonly string[], env: Record<string, string>): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, encoding: "utf8" });
  return JSON.parse(stdout);
}

/** What V8 says of it in a process that has this time zone. */
function native(timeZone: string): Promise<unknown> {
  return runNode(["-p", `JSON.stringify(${SURVEY})`], { TZ: timeZone });
}

async function evaluate(
  options: { isolation: "thread" | "process"; timeZone?: string },
  code: string,
): Promise<unknown> {
  await using engine = new RuntimeEngine(options);
  await engine.start();
  return await engine.runOnLoop(code);
}

describe.each(ISOLATIONS)("local time in a %s", (isolation) => {
  it.each(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])(
    "is in all that tells or reads it that of the zone: %s",
    async (timeZone) => {
      expect(await evaluate({ isolation, timeZone }, SURVEY)).toEqual(await native(timeZone));
    },
  );

  it("is UTC in English, whatever this process has", async () => {
    const code = "[new Date(0).getHours(), Intl.DateTimeFormat().resolvedOptions().timeZone, (0.5).toLocaleString()]";
    const program = `
      import { RuntimeEngine } from ${JSON.stringify(new URL("../../dist/src/index.js", import.meta.url).href)};
      await using engine = new RuntimeEngine({ isolation: "${isolation}" });
      await engine.start();
      console.log(JSON.stringify([await engine.runOnLoop(${JSON.stringify(code)}), ...${code}]));`;
    const env = { TZ: "Asia/Tokyo", LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" };
    const [guest, ...host] = (await runNode(["--input-type=module", "-e", program], env)) as unknown[];
    expect(host).toEqual([9, "Asia/Tokyo", "0,5"]);
    expect(guest).toEqual([0, "UTC", "0.5"]);
  });

  it("of a zone that is not known is refused when the engine is made", () => {
    const make = (timeZone: string): RuntimeEngine => new RuntimeEngine({ isolation, timeZone });
    for (const timeZone of ["Mars/Olympus", "", ":UTC"]) {
      expect(() => make(timeZone)).toThrow(
        `Cannot use the time zone ${JSON.stringify(timeZone)}: it must be UTC or a name`,
      );
    }
  });
});

describe("local time in a thread", () => {
  it("stays what it is when a script has poisoned what it is computed with", async () => {
    const code = `
      Array.prototype[Symbol.iterator] = Array.prototype.push = Object.prototype.toString = Intl.DateTimeFormat.prototype.formatToParts =
        String.prototype.slice = Date.UTC = Date.prototype.setUTCFullYear = () => { throw new Error("poisoned"); };
      Object.defineProperty(Object.prototype, "get", { value: 1 });
      [new Date(0).getHours(), new Date(2024, 0).getTime(), new Date(0).toString(), new Date(0).setHours(3)].join()`;
    const told = await evaluate({ isolation: "thread", timeZone: "Asia/Tokyo" }, code);
    expect(told).toBe("9,1704034800000,Thu Jan 01 1970 09:00:00 GMT+0900 (Japan Standard Time),-21600000");
  });
});
