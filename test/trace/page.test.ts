import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildTrace, tracePage, type TraceModel } from "../../src/replay.ts";
import { emptyModel, hasBrowser, largeModel, TestBrowser } from "./browser.ts";
import { keepRun } from "./trace-fixture.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

const SCRIPT = `const add = { name: "add", description: "adds", input: { type: "object" }, run: ({ a, b }) => a + b };
const step = new ChatStepFactory().newStep({ tools: [add] });
console.log("first");
const [answer] = await step.startAsync('call: add {"a":40,"b":2}');
console.log(answer.text);
console.error("to stderr");
await new Promise((resolve) => setTimeout(resolve, 60));
`;

/** Ids of the rules that a page breaks, each with the places. */
async function brokenRules(page: Page, within = "html"): Promise<string[]> {
  // The page's own policy lets nothing else run in it, so this comes in as the browser's tools do.
  if (await page.evaluate<boolean>("globalThis.axe === undefined")) await page.evaluate(AXE);
  return page.evaluate<string[]>(`axe.run("${within}").then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 120)).join(" | ")))`);
}

const rows = (page: Page): Promise<string[]> => page.locator("#steps .row .text").allTextContents();
const selected = (page: Page): Promise<string> =>
  page.locator('#steps [aria-selected="true"] .text').first().innerText();

describe.runIf(hasBrowser)("The page of a run", () => {
  let browser: TestBrowser;
  let model: TraceModel;
  let failed: TraceModel;

  beforeAll(async () => {
    browser = await TestBrowser.start();
    const { run, ...kept } = await keepRun(SCRIPT);
    model = buildTrace(run, kept);
    const bad = await keepRun(`console.log(1);\nthrow new TypeError("not today");`);
    failed = buildTrace(bad.run, bad);
  });
  afterEach(async () => expect(await browser.finish()).toEqual([]));
  afterAll(() => browser.close());

  // Colours do not depend on the width, nor the layout on the colours.
  it.each([
    ["light", 1280],
    ["dark", 390],
  ] as const)("has nothing that axe-core objects to, %s, at %i px", async (colorScheme, width) => {
    for (const shown of [model, failed, emptyModel()]) {
      const page = await browser.open(shown, { width, colorScheme });
      for (const view of ["Step", "Conversation", "Output", "Run"]) {
        await page.getByRole("tab", { name: view, exact: true }).click();
        expect(await brokenRules(page, view === "Step" ? "html" : ".detail")).toEqual([]);
      }
      await page.getByRole("button", { name: "Keys" }).click();
      expect(await brokenRules(page, "#help")).toEqual([]);
      // Nothing hangs over the edge.
      const [scroll, client] = await page.evaluate<number[]>(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
      );
      expect(scroll!).toBeLessThanOrEqual(client!);
    }
  });

  it("steps back and forth by keyboard, with list, scrubber, detail and output in step", async () => {
    const page = await browser.open(model);
    await expect.poll(() => selected(page)).toBe("the script begins");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => selected(page)).toBe("first");
    await expect.poll(() => page.locator("#scrubber").inputValue()).toBe("1");
    await page.keyboard.press("End");
    await expect.poll(() => selected(page)).toBe("the script ends: completed");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Home");
    await expect.poll(() => selected(page)).toBe("the script begins");
    await page.keyboard.press("/");
    await page.keyboard.type("add");
    await expect.poll(() => page.locator("#found").innerText()).toMatch(/^[2-9] of /);
    await page.keyboard.press("Enter");
    await expect.poll(() => selected(page)).toContain("chat (demo)");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => selected(page)).toContain("add");
    await page.keyboard.press("]");
    await expect.poll(() => page.locator("#panel h2").innerText()).toBe("add ends");
    const sections = page.locator(".before-after > section");
    expect(await sections.nth(0).locator("pre").innerText()).toContain('"a": 40');
    expect(await sections.nth(1).locator("pre").innerText()).toBe("42");
    await page.keyboard.press("[");
    await expect.poll(() => page.locator("#panel h2").innerText()).toBe("add begins");
  });

  it("can be walked through with the tab key alone, and every stop can be seen", async () => {
    const page = await browser.open(model);
    const stops: string[] = [];
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate<string>(`(() => {
        const active = document.activeElement;
        if (active === null || active === document.body) return "";
        const { outlineStyle, outlineWidth } = getComputedStyle(active);
        if (outlineStyle === "none" || outlineWidth === "0px") return "no outline: " + active.outerHTML.slice(0, 80);
        return active.id || active.textContent.trim().slice(0, 20);
      })()`);
      if (stop === "") break;
      stops.push(stop);
    }
    expect(stops.filter((stop) => stop.startsWith("no outline"))).toEqual([]);
    for (const id of [
      "theme",
      "first",
      "forth",
      "scrubber",
      "line",
      "search",
      "steps",
      "tab-step",
      "panel",
      "source",
    ]) {
      expect(stops).toContain(id);
    }
  });

  it("moves the scrubber, the tabs and the help by keyboard", async () => {
    const page = await browser.open(model);
    await page.locator("#scrubber").focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => selected(page)).toBe("first");
    expect(await page.locator("#scrubber").getAttribute("aria-valuetext")).toMatch(/^step 2 of \d+, .*: first$/);
    await page.locator("#tab-step").focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("#tab-conversation").getAttribute("aria-selected")).toBe("true");
    await expect.poll(() => page.locator("#panel").innerText()).toContain("[demo] add answered: 42");
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.locator("#panel pre").innerText()).toBe("first\n");
    await page.keyboard.press("?");
    expect(await page.locator("#help").isVisible()).toBe(true);
    await page.keyboard.press("Escape");
    expect(await page.locator("#help").isVisible()).toBe(false);
  });

  it("filters by text and by kind", async () => {
    const page = await browser.open(model);
    const all = await rows(page);
    expect(all).toContain("to stderr");
    await page.locator("#kinds button", { hasText: "Output" }).click();
    await expect.poll(() => rows(page)).not.toContain("to stderr");
    await page.locator("#kinds button", { hasText: "Output" }).click();
    await page.getByRole("searchbox").fill("stderr");
    await expect.poll(() => rows(page)).toEqual(["to stderr"]);
    await page.getByRole("searchbox").fill("no such text");
    await expect.poll(() => page.locator("#steps .empty").innerText()).toContain("No step fits");
    await page.getByRole("searchbox").press("Escape");
    await expect.poll(() => rows(page)).toEqual(all);
  });

  it("shows the line that a step comes from, and leads from a line to its steps", async () => {
    const placed = structuredClone(model);
    for (const span of placed.spans) if (span.kind === "run") span.place = [0, 4];
    const page = await browser.open(placed);
    await page
      .locator("#source")
      .getByRole("button", { name: /^Line 4: next of/ })
      .click();
    await expect.poll(() => page.locator("#source-title").innerText()).toBe("script.js:4");
    expect(await page.locator(".line.is-current .source-text").innerText()).toContain("step.startAsync");
    await expect.poll(() => page.locator("#panel h2").innerText()).toBe("chat (demo) begins");
  });

  it("chooses what is clicked in the time line", async () => {
    const page = await browser.open(model);
    const box = (await page.locator("#canvas").boundingBox())!;
    const chat = model.spans.find(({ kind }) => kind === "run")!;
    const lanes = model.spans.some(({ kind }) => kind === "wait") ? 1 : 0;
    const x = 8 + ((chat.start + chat.end!) / 2 / model.durationMs) * (box.width - 16);
    await page.mouse.click(box.x + x, box.y + 22 + 12 + lanes * 20 + 8);
    await expect.poll(() => page.locator("#panel h2").innerText()).toBe("chat (demo) begins");
    await page.getByRole("button", { name: "Zoom in" }).click();
    await page.getByRole("button", { name: "Fit" }).click();
  });

  it("opens a failed run where it failed", async () => {
    const page = await browser.open(failed);
    await expect.poll(() => page.locator("#panel h2").innerText()).toBe("the script fails: TypeError: not today");
    expect(await page.locator("#failure").innerText()).toContain("TypeError: not today");
    expect(await page.locator("#state").innerText()).toBe("failed");
  });

  it("is light or dark as the system is, and as its reader chooses", async () => {
    const page = await browser.open(model, { colorScheme: "dark" });
    const background = (): Promise<string> => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const dark = await background();
    await page.getByRole("button", { name: "Light" }).click();
    const light = await background();
    expect([dark, light]).toEqual(["rgb(13, 17, 23)", "rgb(244, 246, 248)"]);
    await page.getByRole("button", { name: "Dark" }).click();
    expect(await background()).toBe(dark);
  });

  it("prints its facts and steps, black on white", async () => {
    const page = await browser.open(model, { colorScheme: "dark" });
    await page.evaluate(`dispatchEvent(new Event("beforeprint")), 0`);
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("main").isVisible()).toBe(false);
    expect(await page.locator("#print td", { hasText: "to stderr" }).isVisible()).toBe(true);
    expect(await page.evaluate<string>("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
    expect((await page.pdf()).subarray(0, 5).toString()).toBe("%PDF-");
  });

  it("stays small and fluid with 100,000 events", async () => {
    const page = await browser.open(largeModel(100_000));
    const nodes = (): Promise<number> => page.evaluate<number>(`document.getElementsByTagName("*").length`);
    const before = await nodes();
    expect(before).toBeLessThan(1_000);
    // Wherever one scrolls to, the rows of that place are there.
    for (const part of [0.25, 0.5, 0.999]) {
      await page.evaluate(`(() => {
        const box = document.getElementById("steps");
        box.scrollTop = (box.scrollHeight - box.clientHeight) * ${part};
      })()`);
      const wanted = Math.floor(100_000 * part);
      await expect
        .poll(async () => Number(await page.locator("#steps .row").first().getAttribute("data-index")))
        .toBeGreaterThan(wanted - 200);
      expect(await nodes()).toBeLessThan(1_000);
    }
    await page.keyboard.press("End");
    await expect.poll(() => selected(page)).toContain("chat 1999");
    await page.keyboard.press("Home");
    await expect.poll(() => selected(page)).toContain("chat 0");
    for (let i = 0; i < 30; i++) await page.keyboard.press("PageDown");
    await page.getByRole("button", { name: "Zoom in" }).click();
    await page.getByRole("searchbox").fill("word 77777 ");
    await expect.poll(() => rows(page)).toEqual(["word 77777 "]);
    expect(await nodes()).toBeLessThan(1_000);
  });
});

const HOSTILE = [
  "</script><script>document.title='HIT'</script>",
  "<img src=x onerror=\"document.title='HIT'\">",
  "<!--<script>",
  "]]>\u2028\u2029",
  "\u202egnp.exe",
  "${document.title='HIT'}$&$`$'",
  "javascript:document.title='HIT'",
  "\u0000\u001b[31m\ud800",
  "{{DATA}}{{SCRIPT}}",
];

describe("A hostile run", () => {
  const hostile = (): TraceModel => {
    const model = emptyModel();
    const all = HOSTILE.join("\n");
    for (const [index, text] of HOSTILE.entries()) {
      model.spans.push({
        kind: "tool",
        name: text,
        start: index,
        end: index + 1,
        state: "failed",
        before: all,
        after: all,
      });
      model.steps.push({ at: index, kind: "tool", text, span: index, phase: "begin", detail: all, place: [1, 1] });
      model.steps.push({ at: index, kind: "output", text, detail: all });
    }
    const call = { kind: "chat", model: all, messages: [{ role: all, text: all }], answer: all, error: all } as const;
    return {
      ...model,
      script: HOSTILE[0]!,
      id: all,
      state: "failed",
      durationMs: 9,
      error: { title: all, detail: all },
      result: all,
      facts: [[all, all]],
      notes: [all],
      sources: [
        { name: all, text: all },
        { name: HOSTILE[1]!, text: all },
      ],
      calls: [{ ...call, messages: [...call.messages], toolCalls: [{ name: all, input: all, result: all }] }],
    };
  };

  it("is data in its page, whatever it says", () => {
    const page = tracePage(hostile());
    const elements = page.match(/<\/?script/gi);
    expect(elements).toHaveLength(4);
    expect(page).not.toMatch(/[\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
    expect(page).not.toContain("<img");
    const json = /id="trace-data">(.*?)<\/script>/s.exec(page)![1]!;
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(hostile())));
    expect(page).toContain("default-src 'none'");
  });

  it.runIf(hasBrowser)("runs nothing and loads nothing, in no view", async () => {
    const browser = await TestBrowser.start();
    try {
      const page = await browser.open(hostile());
      for (const view of ["Step", "Conversation", "Output", "Run"]) {
        await page.getByRole("tab", { name: view, exact: true }).click();
        for (let i = 0; i < 4; i++) await page.keyboard.press(i % 2 === 0 ? "Home" : "End");
        await expect.poll(() => page.locator("#panel").innerText()).toContain("onerror");
      }
      await page.evaluate(`dispatchEvent(new Event("beforeprint")), 0`);
      expect(await page.title()).not.toBe("HIT");
      expect(await page.locator("img, iframe, object, embed").count()).toBe(0);
      expect(await page.evaluate("document.scripts.length")).toBe(2);
      // What turns a text around is written out.
      expect(await page.locator("body").innerText()).toContain("\\u202egnp.exe");
      expect(await page.evaluate("/[\\u202a-\\u202e]/.test(document.body.innerText)")).toBe(false);
      expect(await browser.finish()).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
