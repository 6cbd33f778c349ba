export interface DemoOrders {
  /** Pause before every delta. */
  slowMs?: number;
  /** The text to answer with, exactly. */
  echo?: string;
  calls: { name: string; argumentsText: string }[];
  error?: { status: number; tag: string };
  /** The message without its orders. */
  rest: string;
}

const ORDER = /^[ \t]*(echo|call|error|slow):[ \t]?(.*)$/;
const SLOW = /^(\d+(?:\.\d+)?)\s*(ms|s)?$/;
/** A pause with another order behind it. */
const SLOW_BEFORE = /^(\d+(?:\.\d+)?[ \t]?(?:ms|s)?)[ \t]{1,9}((?:echo|call|error):.*)$/;
const MAX_SLOW_MS = 600_000;
/** What comes after these is read as text. */
const MAX_LINES = 10_000;

/**
 * Reads the lines that the demo model obeys: `echo: text`, `call: tool {json}` (several ask for several tools),
 * `error: 429` (with the provider's own code after it, if wanted: `error: 400 context_length_exceeded`), and, before
 * one of these, in the same line or in one of its own, `slow: 200ms`. The first of echo, call and error wins; lines of the same kind add up.
 *
 * @example
 * parseDemoOrders("slow: 200ms\necho: hi").echo; // "hi"
 */
export function parseDemoOrders(message: string): DemoOrders {
  const orders: DemoOrders = { calls: [], rest: "" };
  const rest: string[] = [];
  let kind: string | undefined;
  let start = 0;
  for (let count = 0; count < MAX_LINES && start <= message.length; count++) {
    const newline = message.indexOf("\n", start);
    const end = newline < 0 ? message.length : newline;
    const line = message.slice(start, end).replace(/\r$/, "");
    start = end + 1;
    const found = obeyLine(orders, line, kind);
    if (found === undefined) rest.push(line);
    else if (found !== "slow") kind = found;
  }
  rest.push(message.slice(start));
  orders.rest = rest.join("\n").trim();
  return orders;
}

/** The name of the order in this line; undefined for a line that holds none, or only looks like one. */
function obeyLine(orders: DemoOrders, line: string, kind: string | undefined): string | undefined {
  const [, name, argument = ""] = ORDER.exec(line) ?? [];
  if (name === undefined) return undefined;
  const [, pause, behind] = (name === "slow" && SLOW_BEFORE.exec(argument)) || [];
  if (pause === undefined || behind === undefined) return obey(orders, name, argument, kind) ? name : undefined;
  const found = kind === undefined ? obeyLine(orders, behind, kind) : undefined;
  if (found !== undefined) obey(orders, name, pause, kind);
  return found;
}

/** False for a line that only looks like an order. */
function obey(orders: DemoOrders, name: string, argument: string, kind: string | undefined): boolean {
  if (name === "slow") {
    const [, amount, unit] = SLOW.exec(argument.trim()) ?? [];
    if (amount === undefined || kind !== undefined) return false;
    orders.slowMs = Math.min(MAX_SLOW_MS, Number(amount) * (unit === "s" ? 1000 : 1));
    return true;
  }
  if (kind !== undefined && kind !== name) return false;
  if (name === "echo") {
    orders.echo = orders.echo === undefined ? argument : `${orders.echo}\n${argument}`;
    return true;
  }
  if (name === "call") {
    const [, tool, argumentsText = ""] = /^\s*([\w.-]+)\s*(.*)$/.exec(argument) ?? [];
    if (tool === undefined) return false;
    orders.calls.push({ name: tool, argumentsText });
    return true;
  }
  const [, status, tag = ""] = /^\s*(\d{3})\b\s*(\S*)/.exec(argument) ?? [];
  if (status === undefined || Number(status) < 400) return false;
  orders.error ??= { status: Number(status), tag };
  return true;
}
