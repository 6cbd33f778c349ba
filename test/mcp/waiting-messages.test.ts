import type { Transport } from "@modelcontextprotocol/client";
import { afterEach, describe, expect, it, vi } from "vitest";
import { reopenInTime } from "../../src/mcp/messages/http-requests.ts";
import { faultOf } from "../../src/mcp/messages/message-size.ts";
import { boundInput } from "../../src/mcp/messages/program-input.ts";

describe("what a program does not read", () => {
  it("ends the program where these are answers that it has asked for", async () => {
    const faults: (string | undefined)[] = [];
    const written: string[] = [];
    const stdin = { writableLength: 60_000_000, write: (text: string) => written.push(text) };
    const onerror = (error: Error): void => void faults.push(faultOf(error));
    const transport = { _process: { stdin }, onerror, send: async () => {} } as unknown as Transport;
    boundInput(transport, () => {});
    await transport.send({ jsonrpc: "2.0", id: 1, result: {} });
    expect([written, faults]).toEqual([['{"jsonrpc":"2.0","id":1,"result":{}}\n'], []]);
    stdin.writableLength = 70_000_000;
    await transport.send({ jsonrpc: "2.0", id: 2, result: {} });
    await transport.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
    expect([written.length, faults]).toEqual([1, ["does not read what it is sent"]]);
  });
});

describe("a stream that has ended", () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    [0, 1_000],
    [5_000, 5_000],
    [2_000_000_000, 30_000],
    [Infinity, 30_000],
  ])("whose server wishes it to be opened again after %i ms is opened after %i ms", (wishMs, ms) => {
    vi.useFakeTimers();
    const reopen = vi.fn();
    reopenInTime(reopen, wishMs);
    vi.advanceTimersByTime(ms - 1);
    expect(reopen).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(reopen).toHaveBeenCalledOnce();
  });
});
