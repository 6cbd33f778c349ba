import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { tracePage, type TraceModel } from "../../src/replay.ts";
import { patience } from "../machine/patience.ts";

/** Debian's browser. */
const BROWSER = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

/** Can a page be looked at here? Where it must, in CI, a missing browser is a failure. */
export const hasBrowser: boolean = BROWSER !== undefined;

if (!hasBrowser) {
  const text = "chromium is not installed: the page that shows a run is NOT TESTED here";
  if (process.env["CI"] === "true") throw new Error(text);
  console.warn(`\n!!! ${text} !!!\n`);
}

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface PageOptions {
  width?: number;
  height?: number;
  colorScheme?: "light" | "dark";
}

/** A browser that asks nobody anything, and notes whatever a page complains of. */
export class TestBrowser {
  readonly #browser: Browser;
  readonly #folder = mkdtempSync(join(tmpdir(), "geppetto-page-"));
  #contexts: BrowserContext[] = [];
  #count = 0;
  /** Errors, refusals of a policy, dialogs and requests of all pages. */
  readonly complaints: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch({ executablePath: BROWSER!, args: ARGS, timeout: patience(60_000) }));
  }

  /** Opens the page of a model, from a file as a user would. */
  async open(model: TraceModel, options: PageOptions = {}): Promise<Page> {
    const file = join(this.#folder, `${this.#count++}.html`);
    writeFileSync(file, tracePage(model));
    return this.visit(pathToFileURL(file).href, options);
  }

  async visit(address: string, { width = 1280, height = 860, colorScheme = "light" }: PageOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width, height }, colorScheme });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(patience(30_000));
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    page.on("dialog", (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    const { origin } = new URL(address);
    page.on("request", (request) => {
      const url = request.url();
      if (url !== address && !url.startsWith("data:") && new URL(url).origin !== origin)
        this.complaints.push(`request: ${url}`);
    });
    await page.goto(address);
    return page;
  }

  /** Closes all pages; gives what they complained of. */
  async finish(): Promise<string[]> {
    for (const context of this.#contexts) await context.close();
    this.#contexts = [];
    return this.complaints.splice(0);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A model of so many steps: runs with events, tools and output. */
export function largeModel(count: number): TraceModel {
  const model = emptyModel();
  for (let i = 0; i < count; i++) {
    const round = Math.floor(i / 50);
    const place = i % 50;
    const at = i * 3;
    if (place === 0) {
      model.spans.push({
        kind: "run",
        name: `chat ${round}`,
        start: at,
        end: at + 147,
        state: "ok",
        before: `ask ${round}`,
      });
    }
    const span = model.spans.length - 1;
    if (place === 0)
      model.steps.push({ at, kind: "run", text: `chat ${round}`, span, phase: "begin", place: [0, 1 + (round % 3)] });
    else if (place === 49) model.steps.push({ at, kind: "run", text: `chat ${round}`, span, phase: "end" });
    else if (place === 48) model.steps.push({ at, kind: "output", text: `line ${round}`, stream: "stdout" });
    else model.steps.push({ at, kind: "event", text: `word ${i} `, span });
  }
  return { ...model, durationMs: count * 3, sources: [{ name: "large.js", text: "one();\ntwo();\nthree();\n" }] };
}

export function emptyModel(): TraceModel {
  return {
    format: "geppetto-trace/1",
    id: "0000",
    script: "large.js",
    state: "completed",
    startedAt: 0,
    durationMs: 0,
    usage: { calls: 0, inputTokens: 0, outputTokens: 0 },
    facts: [],
    notes: [],
    hasContents: true,
    sources: [{ name: "large.js", text: "" }],
    spans: [],
    steps: [],
    calls: [],
  };
}
