import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Distribution } from "../../src/config/thresholds/distribution.ts";
import { judgeThresholds, type Measured } from "../../src/config/thresholds/judge-thresholds.ts";
import { type MetricKind, parseThresholds, type Threshold } from "../../src/config/thresholds/threshold.ts";

function parsed(text: unknown, kind: MetricKind): readonly Threshold[] {
  const found = parseThresholds(text, kind);
  if ("problem" in found) throw new Error(found.problem);
  return found;
}

function times(...ms: number[]): Distribution {
  const distribution = new Distribution();
  for (const one of ms) distribution.add(one);
  return distribution;
}

describe("parseThresholds()", () => {
  it.each([
    ["<10", "count", { aggregate: "every", comparison: "<", bound: 10 }],
    [" <= .10 ", "amount", { aggregate: "every", comparison: "<=", bound: 0.1 }],
    [">2s", "time", { aggregate: "every", comparison: ">", bound: 2000 }],
    ["p(95) < 1.5 m", "times", { aggregate: "p", percentile: 95, comparison: "<", bound: 90_000 }],
    ["p(99.9)>=1h", "times", { aggregate: "p", percentile: 99.9, comparison: ">=", bound: 3_600_000 }],
    ["count==0", "times", { aggregate: "count", comparison: "==", bound: 0 }],
    ["med<500MS", "times", { aggregate: "med", comparison: "<", bound: 500 }],
  ] as const)("reads %j of a %s", (text, kind, expected) => {
    expect(parsed(text, kind)).toEqual([{ text: text.trim(), ...expected }]);
  });

  it("takes a list", () => {
    expect(parsed(["<10", ">1"], "count").map(({ bound }) => bound)).toEqual([10, 1]);
  });

  it.each([
    [5, "count", "it is not a text"],
    [[], "count", "the list is empty"],
    [["<1", 2], "count", "it is not a text"],
    [Array.from({ length: 101 }, () => "<1"), "count", "there are more than 100"],
    [`<${"1".repeat(200)}`, "count", "it is too long"],
    ["10", "count", "it compares with nothing, <, <=, >, >=, == do"],
    ["=<10", "count", 'there is no "=<", did you mean "<="?'],
    ["≤10", "count", 'there is no "≤", did you mean "<="?'],
    ["!=10", "count", 'there is no "!=", use <, <=, >, >=, =='],
    ["<-1", "count", "a number must stand behind the comparison, and nothing after it but a unit"],
    ["<1 or >5", "count", "a number must stand behind the comparison, and nothing after it but a unit"],
    ["<10s", "count", 'it is not a time, write "<10"'],
    ["p(95)<10", "count", 'it is one number, write "<10"'],
    ["count<10", "count", 'it is one number, write "<10"'],
    ["<$1", "amount", "a number must stand behind the comparison, and nothing after it but a unit"],
    ["<2", "time", 'a time needs its unit, write "<2s" or "<2ms"'],
    ["<2d", "time", 'there is no unit "d", write ms, s, m or h'],
    ["<2constructor", "time", 'there is no unit "constructor", write ms, s, m or h'],
    ["avg<2s", "time", 'it is one number, write "<2s"'],
    ["p95<2s", "times", 'there is no "p95", did you mean "p(95)"?'],
    ["p<2s", "times", 'there is no "p", did you mean "p(95)"?'],
    ["mean<2s", "times", 'there is no "mean", did you mean "avg"?'],
    ["maxx<2s", "times", 'there is no "maxx", did you mean "max"?'],
    ["stddev<2s", "times", 'there is no "stddev", write p(95), avg, min, max, med, count or nothing'],
    ["p(101)<2s", "times", "p(101) is not a percentile, write p(0) to p(100)"],
    ["p()<2s", "times", "p() is not a percentile, write p(0) to p(100)"],
    ["avg(3)<2s", "times", 'there is no "avg(3)", did you mean "avg"?'],
    ["count<2s", "times", 'it is not a time, write "<2"'],
    ["avg<2", "times", 'a time needs its unit, write "<2s" or "<2ms"'],
  ] as const)("says what is wrong with %j of a %s", (text, kind, problem) => {
    expect(parseThresholds(text, kind)).toEqual({ problem });
  });

  it("says of any text whether it is one", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom<MetricKind>("count", "amount", "time", "times"), (text, kind) => {
        const found = parseThresholds(text, kind);
        if (!("problem" in found)) expect(Number.isFinite(found[0]!.bound)).toBe(true);
      }),
    );
  });
});

describe("Distribution", () => {
  it("knows what was added", () => {
    const distribution = times(30, 10, 20, 40);
    expect((["count", "min", "max", "avg", "med"] as const).map((name) => distribution.valueOf(name))).toEqual([
      4, 10, 40, 25, 25,
    ]);
    expect([0, 50, 95, 100].map((p) => distribution.valueOf("p", p))).toEqual([10, 25, 38.5, 40]);
  });

  it("has nothing but a count where nothing was added", () => {
    expect(times().valueOf("count")).toBe(0);
    expect(times().valueOf("p", 95)).toBeUndefined();
  });

  it("agrees with all its values in a row", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1 }), fc.integer({ min: 0, max: 100 }), (values, p) => {
        const sorted = values.toSorted((a, b) => a - b);
        const rank = (p / 100) * (sorted.length - 1);
        const [low, high] = [sorted[Math.floor(rank)]!, sorted[Math.ceil(rank)]!];
        expect(times(...values).valueOf("p", p)).toBeCloseTo(low + (high - low) * (rank - Math.floor(rank)));
      }),
    );
  });
});

describe("judgeThresholds()", () => {
  const measured: Measured = {
    calls: 3,
    tokens: 100,
    cost: undefined,
    duration: 1500,
    "step.duration": times(10, 20, 300),
    "step.errors": 0,
    "tool.calls": 2,
  };

  it("compares each with what was measured", () => {
    const judged = judgeThresholds(
      {
        calls: parsed(["<3", "<=3"], "count"),
        cost: parsed("<1", "amount"),
        duration: parsed("<2s", "time"),
        "step.duration": parsed(["<301ms", "<300ms", ">9ms", ">10ms", "==10ms", "max<1s", "count<3"], "times"),
      },
      measured,
    );
    expect(judged.map(({ metric, threshold, value, unit, ok }) => [metric, threshold, value, unit, ok])).toEqual([
      ["calls", "<3", 3, "1", false],
      ["calls", "<=3", 3, "1", true],
      ["cost", "<1", null, "usd", false],
      ["duration", "<2s", 1500, "ms", true],
      ["step.duration", "<301ms", 300, "ms", true],
      ["step.duration", "<300ms", 300, "ms", false],
      ["step.duration", ">9ms", 10, "ms", true],
      ["step.duration", ">10ms", 10, "ms", false],
      ["step.duration", "==10ms", 10, "ms", false],
      ["step.duration", "max<1s", 300, "ms", true],
      ["step.duration", "count<3", 3, "1", false],
    ]);
  });

  it("has a threshold for steps hold where there were none", () => {
    const none = { ...measured, "step.duration": times() };
    const judged = judgeThresholds({ "step.duration": parsed(["p(95)<1ms", "count>0"], "times") }, none);
    expect(judged.map(({ value, ok }) => [value, ok])).toEqual([
      [null, true],
      [0, false],
    ]);
  });
});
