import { describe, expect, it } from "vitest";
import { formatElapsed } from "../../../src/cli/options/quantities.ts";
import { parseSince } from "../../../src/cli/options/since.ts";
import { displayWidth, fitWidth } from "../../../src/cli/output/display-width.ts";
import { onOneLine } from "../../../src/cli/output/print-table.ts";
import { cutText } from "../../../src/cli/runs/cut-text.ts";

describe("displayWidth()", () => {
  it.each([
    ["abc", 3],
    ["日本語.js", 9],
    ["한글", 4],
    ["✅", 2],
    ["👩‍👩‍👧", 2],
    ["🇩🇪", 2],
    ["1️⃣", 2],
    ["e\u0301", 1],
    ["\u200b", 0],
    ["ｱ", 1],
    ["👍🏽", 2],
    ["🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2],
    ["❤", 1],
    ["❤️", 2],
    ["⌚\ufe0e", 1],
    ["ก็", 1],
    ["नमस्ते", 4],
    ["あ\u3099", 2],
    ["\u1100\u1161\u11a8", 2],
    ["a\u20dd", 1],
    ["soft\u00adhyphen", 10],
    ["\u200d", 0],
    ["", 0],
  ])("of %j is %i", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

describe("fitWidth()", () => {
  it("cuts between characters, and leaves what fits", () => {
    expect(fitWidth("日本語", 6)).toBe("日本語");
    expect(fitWidth("日本語", 5)).toBe("日本…");
    expect(fitWidth("日本語", 4)).toBe("日…");
    expect(fitWidth("a👩‍👩‍👧b", 3)).toBe("a…");
    expect(fitWidth("abcdef", 4)).toBe("abc…");
  });
});

describe("a cell of a table", () => {
  it("is one line that steers nothing", () => {
    expect(onOneLine("a \n b\u2028c\u001b[31md\u202e")).toBe("a b c␛[31md\\u202e");
  });
});

describe("--since", () => {
  const now = Date.UTC(2026, 10, 30, 12);
  const HOUR = 3_600_000;

  it.each([
    ["90s", now - 90_000],
    ["30min", now - HOUR / 2],
    ["30m", now - HOUR / 2],
    ["2h", now - 2 * HOUR],
    ["1.5 H", now - 1.5 * HOUR],
    ["3d", now - 72 * HOUR],
    ["2w", now - 14 * 24 * HOUR],
    ["999999999999w", 0],
    ["2026-11-30", new Date(2026, 10, 30).getTime()],
    ["2026-11-30 08:30", new Date(2026, 10, 30, 8, 30).getTime()],
    ["2026-11-30T08:30:01.5", new Date(2026, 10, 30, 8, 30, 1, 500).getTime()],
    ["2026-11-30T08:30Z", Date.UTC(2026, 10, 30, 8, 30)],
    ["2026-11-30T08:30:00+02:00", Date.UTC(2026, 10, 30, 6, 30)],
  ])("%s is a time", (text, time) => {
    expect(parseSince(text, now)).toBe(time);
  });

  it.each([
    "",
    "2",
    "h",
    "-2h",
    "2y",
    "yesterday",
    "2026-13-01",
    "2026-02-30",
    "2026-11-30T25:00",
    "30.11.2026",
    "2026",
  ])("%j is none", (text) => {
    expect(() => parseSince(text, now)).toThrow("Expected an age such as 30min, 2h or 3d, or a date");
  });
});

describe("formatElapsed()", () => {
  it.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1.0 s"],
    [59_949, "59.9 s"],
    [59_960, "1 min 0 s"],
    [185_400, "3 min 5 s"],
    [3_599_999, "1 h 0 min"],
    [7_800_000, "2 h 10 min"],
  ])("%i is %s", (ms, text) => {
    expect(formatElapsed(ms)).toBe(text);
  });
});

describe("cutText()", () => {
  it("leaves out the middle of what is long or tall, between whole characters, and says how much", () => {
    const long = `${"a".repeat(999)}😀${"b".repeat(3000)}😀${"c".repeat(999)}`;
    const cut = cutText(long, false);
    expect(cut).toBe(`${"a".repeat(999)}\n… 3004 characters left out, --full shows them …\n${"c".repeat(999)}`);
    const tall = Array.from({ length: 100 }, (_, i) => String(i)).join("\n");
    expect(cutText(tall, false)).toMatch(/^0\n[^]*\n19\n… \d+ characters left out, --full shows them …\n80\n[^]*\n99$/);
    expect([cutText(long, true), cutText(tall, true), cutText("a\nb", false)]).toEqual([long, tall, "a\nb"]);
  });
});
