import type { TraceKind, TraceSpan } from "../src/trace/trace-model.ts";
import { oncePerFrame, visible } from "./dom.ts";
import { formatMs } from "./format.ts";
import { toLanes } from "./lanes.ts";
import type { Selection } from "./selection.ts";

const LANE = 20;
const BAR = 16;
const AXIS = 22;
const TICKS = 12;
const PAD = 8;
/** Shortest stretch that is shown, in milliseconds. */
const SHORTEST = 2;
const LABEL_MIN = 34;

/** The bars of a run over time. What is too fine to be seen is drawn once for each pixel. */
export class TimeLine {
  readonly #box: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #selection: Selection;
  readonly #lanes: Int32Array;
  readonly #laneCount: number;
  readonly #end: number;
  #from = 0;
  #to: number;
  readonly draw: () => void = oncePerFrame(() => this.#drawNow());

  constructor(box: HTMLElement, canvas: HTMLCanvasElement, selection: Selection) {
    this.#box = box;
    this.#canvas = canvas;
    this.#selection = selection;
    const { model, spans } = selection.data;
    this.#end = Math.max(1, model.durationMs);
    this.#to = this.#end;
    const { lanes, count } = toLanes(spans, this.#end);
    this.#lanes = lanes;
    this.#laneCount = count;
    canvas.addEventListener("click", (event) => this.#onClick(event));
    canvas.addEventListener("mousemove", (event) => this.#onMove(event));
    box.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
    new ResizeObserver(() => this.draw()).observe(box);
    selection.onChange(() => {
      this.#follow();
      this.draw();
    });
    this.draw();
  }

  /** Shows a stretch that is so many times as long, around the step that is looked at. */
  zoom(factor: number, around: number = this.#now): void {
    const length = Math.max(SHORTEST, Math.min(this.#end, (this.#to - this.#from) * factor));
    const part = Math.max(0, Math.min(1, (around - this.#from) / (this.#to - this.#from)));
    this.#show(around - part * length, length);
  }

  fit(): void {
    this.#show(0, this.#end);
  }

  get #now(): number {
    return this.#selection.data.steps[this.#selection.index]?.at ?? 0;
  }

  #show(from: number, length: number): void {
    this.#from = Math.max(0, Math.min(from, this.#end - length));
    this.#to = this.#from + length;
    this.draw();
  }

  /** The step that is looked at is to be seen. */
  #follow(): void {
    const now = this.#now;
    const length = this.#to - this.#from;
    if (now < this.#from || now > this.#to) this.#show(now - length / 2, length);
  }

  #drawNow(): void {
    const width = this.#box.clientWidth;
    const height = AXIS + TICKS + this.#laneCount * LANE + PAD;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const canvas = this.#canvas;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext("2d");
    if (context === null || width === 0) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    this.#drawAxis(context, width, height, colour);
    this.#drawTicks(context, width, colour);
    this.#drawSpans(context, width, colour);
    const x = this.#x(this.#now, width);
    context.fillStyle = colour("accent");
    context.fillRect(Math.round(x) - 1, 0, 2, height);
  }

  #x(at: number, width: number): number {
    return PAD + ((at - this.#from) / (this.#to - this.#from)) * (width - 2 * PAD);
  }

  #time(x: number): number {
    const width = this.#box.clientWidth;
    return this.#from + ((x - PAD) / (width - 2 * PAD)) * (this.#to - this.#from);
  }

  #drawAxis(context: CanvasRenderingContext2D, width: number, height: number, colour: (name: string) => string): void {
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    const step = niceStep(((this.#to - this.#from) / Math.max(1, width)) * 96);
    for (let at = Math.ceil(this.#from / step) * step; at <= this.#to; at += step) {
      const x = this.#x(at, width);
      context.fillStyle = colour("border");
      context.fillRect(Math.round(x), AXIS - 4, 1, height);
      const text = formatMs(at);
      if (x + 4 + context.measureText(text).width > width - 2) break;
      context.fillStyle = colour("muted");
      context.fillText(text, x + 4, AXIS / 2);
    }
  }

  /** Events and output: a stroke for each, one for each pixel at most. */
  #drawTicks(context: CanvasRenderingContext2D, width: number, colour: (name: string) => string): void {
    const { steps } = this.#selection.data;
    let last = -1;
    const colours = {
      event: colour("event"),
      output: colour("output"),
      script: colour("text"),
      failed: colour("failed"),
    };
    for (let i = firstAt(steps, this.#from); i < steps.length; i++) {
      const { at, kind, state } = steps[i]!;
      if (at > this.#to) break;
      if ((kind !== "event" && kind !== "output" && kind !== "script") || this.#selection.isHidden(kind)) continue;
      const x = Math.round(this.#x(at, width));
      if (x === last && state !== "failed") continue;
      last = x;
      context.fillStyle = state === "failed" ? colours.failed : colours[kind];
      context.fillRect(x, AXIS + 2, 1, TICKS - 4);
    }
  }

  #drawSpans(context: CanvasRenderingContext2D, width: number, colour: (name: string) => string): void {
    const { spans, steps } = this.#selection.data;
    const selected = steps[this.#selection.index]?.span;
    const lastX = new Float64Array(this.#laneCount + 1).fill(-1);
    const fills = new Map<TraceKind, string>();
    for (const kind of ["run", "tool", "op", "timer", "wait"] as const) fills.set(kind, colour(kind));
    const failed = colour("failed");
    for (let i = 0; i < spans.length; i++) {
      const span = spans[i]!;
      const end = span.end ?? this.#end;
      if (end < this.#from || span.start > this.#to || this.#selection.isHidden(span.kind)) continue;
      const lane = this.#lanes[i]!;
      const x = Math.max(PAD - 2, this.#x(span.start, width));
      const right = Math.min(width - PAD + 2, this.#x(end, width));
      // Bars that end within a pixel that is drawn already.
      if (right <= lastX[lane]! && i !== selected) continue;
      const length = Math.max(2, right - x - 1);
      lastX[lane] = Math.max(lastX[lane]!, Math.ceil(x + length));
      const y = AXIS + TICKS + lane * LANE;
      context.globalAlpha = span.state === "cancelled" ? 0.55 : 1;
      context.fillStyle = span.state === "failed" ? failed : fills.get(span.kind)!;
      if (span.kind === "wait") context.fillRect(x, y + BAR - 4, length, 4);
      else fillBar(context, x, y, length);
      context.globalAlpha = 1;
      if (length >= LABEL_MIN) this.#label(context, span, x, y, length, colour);
      if (i === selected) {
        context.strokeStyle = colour("text");
        context.lineWidth = 2;
        context.strokeRect(x - 1, y - 1, length + 2, BAR + 2);
      }
    }
  }

  #label(
    context: CanvasRenderingContext2D,
    { kind, name, state }: TraceSpan,
    x: number,
    y: number,
    length: number,
    colour: (name: string) => string,
  ): void {
    const text = cutToWidth(context, visible(name), length - 10);
    if (text === "") return;
    const isLine = kind === "wait";
    context.fillStyle = isLine ? colour("muted") : state === "cancelled" ? colour("text") : colour("on-bar");
    context.fillText(text, x + 5, isLine ? y + 5 : y + BAR / 2 + 0.5);
  }

  /** The span at a point. */
  #spanAt(event: MouseEvent): number | undefined {
    const { left, top } = this.#canvas.getBoundingClientRect();
    const at = this.#time(event.clientX - left);
    const lane = Math.floor((event.clientY - top - AXIS - TICKS) / LANE);
    const slack = ((this.#to - this.#from) / Math.max(1, this.#box.clientWidth)) * 3;
    const { spans } = this.#selection.data;
    let found: number | undefined;
    for (let i = 0; i < spans.length; i++) {
      const { start, end = this.#end, kind } = spans[i]!;
      if (this.#lanes[i] !== lane || at < start - slack || at > end + slack || this.#selection.isHidden(kind)) continue;
      found = i;
    }
    return found;
  }

  #onClick(event: MouseEvent): void {
    const { data } = this.#selection;
    const span = this.#spanAt(event);
    if (span !== undefined && data.begins[span]! >= 0) return this.#selection.select(data.begins[span]!);
    const at = this.#time(event.clientX - this.#canvas.getBoundingClientRect().left);
    this.#selection.select(Math.max(0, firstAt(data.steps, at + 0.001) - 1));
  }

  #onMove(event: MouseEvent): void {
    const index = this.#spanAt(event);
    const span = index === undefined ? undefined : this.#selection.data.spans[index];
    this.#canvas.style.cursor = span === undefined ? "default" : "pointer";
    const length = span === undefined ? "" : span.end === undefined ? "has no end" : formatMs(span.end - span.start);
    this.#canvas.title = span === undefined ? "" : visible(`${span.name} · ${length}`);
  }

  #onWheel(event: WheelEvent): void {
    const { left } = this.#canvas.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.#time(event.clientX - left));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      const length = this.#to - this.#from;
      this.#show(this.#from + ((event.deltaX || event.deltaY) / 800) * length, length);
    }
  }
}

function fillBar(context: CanvasRenderingContext2D, x: number, y: number, length: number): void {
  if (length < 6) return context.fillRect(x, y, length, BAR);
  context.beginPath();
  context.roundRect(x, y, length, BAR, 3);
  context.fill();
}

function cutToWidth(context: CanvasRenderingContext2D, text: string, width: number): string {
  const short = text.slice(0, 120);
  if (context.measureText(short).width <= width) return short;
  let most = short.length;
  while (most > 1 && context.measureText(`${short.slice(0, most)}…`).width > width) most = Math.floor(most * 0.8);
  return most <= 2 ? "" : `${short.slice(0, most)}…`;
}

/** The first step that is not before this moment. */
function firstAt(steps: readonly { at: number }[], at: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]!.at < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** 1, 2 or 5 times a power of ten, and minutes and hours above. */
function niceStep(least: number): number {
  const STEPS = [60_000, 300_000, 600_000, 1_800_000, 3_600_000, 21_600_000, 86_400_000];
  if (least > 20_000) return STEPS.find((step) => step >= least) ?? Math.ceil(least / 86_400_000) * 86_400_000;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? 10 * power;
}
