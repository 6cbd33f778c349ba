/** What a page shows of a run: plain data, bounded. Times are in milliseconds from the run's beginning. */

export type TraceKind = "script" | "run" | "event" | "tool" | "op" | "timer" | "wait" | "output" | "host";

export type TraceState = "ok" | "failed" | "cancelled" | "open";

/** A line of a source: its index among {@link TraceModel.sources}, and the line, counted from 1. */
export type TracePlace = readonly [source: number, line: number];

/** Something that takes time. */
export interface TraceSpan {
  kind: TraceKind;
  name: string;
  start: number;
  /** Absent where nobody knows, as the run broke off. */
  end?: number;
  state: TraceState;
  /** The span inside which it was started, by its index; always a smaller one. */
  parent?: number;
  /** What was asked, and what came of it. */
  before?: string;
  after?: string;
  /** Of a model. */
  tokens?: readonly [input: number, output: number];
  /** US dollars. */
  cost?: number;
  /** The call of a model that it is, by its index. */
  call?: number;
  place?: TracePlace;
}

/** One line of what happened, in order. */
export interface TraceStep {
  at: number;
  kind: TraceKind;
  text: string;
  /** The span that it belongs to, by its index, and whether it is that one's beginning or end. */
  span?: number;
  phase?: "begin" | "end";
  state?: "failed" | "cancelled";
  /** The whole of what `text` says in short. */
  detail?: string;
  /** Of output, where it went to. */
  stream?: "stdout" | "stderr";
  /** Where the script asked for it; absent where it is the span's. */
  place?: TracePlace;
}

export interface TraceMessage {
  role: string;
  text?: string;
  /** How many characters and images it had, where contents are left out. */
  chars?: number;
}

export interface TraceToolCall {
  name: string;
  input?: string;
  result?: string;
}

/** What was asked of a model, and what it answered. */
export interface TraceCall {
  kind: "chat" | "embeddings";
  model: string;
  at?: number;
  durationMs?: number;
  end?: "completed" | "failed" | "cancelled";
  messages: TraceMessage[];
  /** Messages, texts and tool calls before those that are shown. */
  omitted?: number;
  toolCalls: TraceToolCall[];
  answer?: string;
  tokens?: readonly [input: number, output: number];
  cost?: number;
  cached?: true;
  error?: string;
}

export interface TraceModel {
  format: "geppetto-trace/1";
  id: string;
  /** What the user calls the script. */
  script: string;
  state: "running" | "completed" | "failed" | "killed";
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Of all that is shown. */
  durationMs: number;
  usage: { calls: number; inputTokens: number; outputTokens: number; cost?: number };
  exitCode?: number;
  /** Why it failed, in one line, and the rest that is known of that. */
  error?: { title: string; detail?: string; place?: TracePlace };
  result?: string;
  /** How it was started, for people. */
  facts: (readonly [label: string, value: string])[];
  /** What is missing, and why: whole sentences. */
  notes: string[];
  /** May the page hold prompts, answers, arguments, output and source? */
  hasContents: boolean;
  /** The first one is the script; `text` is absent where it is not known. */
  sources: { name: string; text?: string }[];
  spans: TraceSpan[];
  steps: TraceStep[];
  calls: TraceCall[];
}

/** What a page may do beside showing, where a server of ours hands it out. */
export interface ServedPage {
  /** Where a changed script is sent, and where the pages of other runs are, both below the page's own address. */
  runAgain: string;
  runs: string;
}
