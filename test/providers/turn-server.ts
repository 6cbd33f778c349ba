/** A server that gives the same answers in the words of each vendor's API. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ToolCall } from "../../src/shared/chat-messages.ts";

export interface ServedTurn {
  reasoning?: string;
  text?: readonly string[];
  toolCalls?: readonly ToolCall[];
  /** After the text nothing more is sent, and the connection stays. */
  hangs?: boolean;
  /** The connection breaks after the text. */
  breaks?: boolean;
  /** Answered with this status in place of a stream. */
  status?: number;
}

export interface TurnServer {
  baseURL: string;
  readonly requestCount: number;
  /** Connections that the client closed before their answer was over. */
  readonly closedByClient: number;
  play(turn: ServedTurn): void;
  close(): Promise<void>;
}

type Send = (event: Record<string, unknown>) => void;

export async function startTurnServer(): Promise<TurnServer> {
  let turn: ServedTurn = {};
  let requestCount = 0;
  let closedByClient = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      requestCount++;
      response.on("close", () => {
        if (!response.writableEnded) closedByClient++;
      });
      answer(request.url ?? "", response, turn);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requestCount() {
      return requestCount;
    },
    get closedByClient() {
      return closedByClient;
    },
    play: (given) => {
      turn = given;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(url: string, response: ServerResponse, turn: ServedTurn): void {
  if (turn.status !== undefined) {
    response.writeHead(turn.status, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message: "no" } }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send: Send = (event) => {
    const name = typeof event["type"] === "string" ? `event: ${event["type"]}\n` : "";
    response.write(`${name}data: ${JSON.stringify(event)}\n\n`);
  };
  const { begin, end } = dialectOf(url);
  begin(turn, send);
  if (turn.hangs) return;
  if (turn.breaks) {
    response.destroy();
    return;
  }
  end(turn, send);
  response.end();
}

function dialectOf(url: string): Dialect {
  if (url.includes(":streamGenerateContent")) return GOOGLE;
  return url.endsWith("/messages") ? ANTHROPIC : url.endsWith("/responses") ? RESPONSES : CHAT;
}

interface Dialect {
  begin(turn: ServedTurn, send: Send): void;
  end(turn: ServedTurn, send: Send): void;
}

const CHAT: Dialect = {
  begin({ reasoning, text = [] }, send) {
    const delta = (fields: object): void => send({ model: "m", choices: [{ index: 0, delta: fields }] });
    if (reasoning) delta({ reasoning_content: reasoning });
    for (const content of text) delta({ content });
  },
  end({ toolCalls = [] }, send) {
    for (const [index, { id, name, input }] of toolCalls.entries()) {
      const tool = { index, id, function: { name, arguments: JSON.stringify(input) } };
      send({ model: "m", choices: [{ index: 0, delta: { tool_calls: [tool] } }] });
    }
    const reason = toolCalls.length > 0 ? "tool_calls" : "stop";
    send({ model: "m", choices: [{ index: 0, delta: {}, finish_reason: reason }] });
    send({ model: "m", choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } });
  },
};

const RESPONSES: Dialect = {
  begin({ reasoning, text = [] }, send) {
    send({ type: "response.created", response: { id: "r", created_at: 1, model: "m" } });
    if (reasoning) {
      const item = { type: "reasoning", id: "rs" };
      send({ type: "response.output_item.added", output_index: 0, item });
      const place = { item_id: "rs", output_index: 0, summary_index: 0 };
      send({ type: "response.reasoning_summary_text.delta", ...place, delta: reasoning });
      send({ type: "response.output_item.done", output_index: 0, item: { ...item, summary: [] } });
    }
    if (text.length === 0) return;
    const place = { item_id: "msg", output_index: 1, content_index: 0 };
    send({ type: "response.output_item.added", output_index: 1, item: { type: "message", id: "msg" } });
    for (const delta of text) send({ type: "response.output_text.delta", ...place, delta });
  },
  end({ toolCalls = [] }, send) {
    for (const [place, { id, name, input }] of toolCalls.entries()) {
      const call = { type: "function_call", id: `fc_${id}`, call_id: id, name, status: "completed" };
      const item = { ...call, arguments: JSON.stringify(input) };
      send({ type: "response.output_item.done", output_index: place + 2, item });
    }
    const usage = { input_tokens: 3, output_tokens: 4, total_tokens: 7 };
    send({ type: "response.completed", response: { id: "r", model: "m", status: "completed", usage } });
  },
};

const ANTHROPIC: Dialect = {
  begin({ reasoning, text = [] }, send) {
    send({ type: "message_start", message: { id: "r", model: "m", usage: { input_tokens: 3, output_tokens: 1 } } });
    if (reasoning) {
      send({ type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } });
      send({ type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: reasoning } });
      send({ type: "content_block_stop", index: 0 });
    }
    send({ type: "content_block_start", index: 1, content_block: { type: "text", text: "" } });
    for (const part of text) {
      send({ type: "content_block_delta", index: 1, delta: { type: "text_delta", text: part } });
    }
  },
  end({ toolCalls = [] }, send) {
    send({ type: "content_block_stop", index: 1 });
    for (const [position, { id, name, input }] of toolCalls.entries()) {
      const index = position + 2;
      send({ type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } });
      const delta = { type: "input_json_delta", partial_json: JSON.stringify(input) };
      send({ type: "content_block_delta", index, delta });
      send({ type: "content_block_stop", index });
    }
    const reason = toolCalls.length > 0 ? "tool_use" : "end_turn";
    send({ type: "message_delta", delta: { stop_reason: reason }, usage: { output_tokens: 4 } });
    send({ type: "message_stop" });
  },
};

const GOOGLE: Dialect = {
  begin({ reasoning, text = [] }, send) {
    const parts = (given: object): void => send({ modelVersion: "m", candidates: [{ content: { parts: [given] } }] });
    if (reasoning) parts({ text: reasoning, thought: true });
    for (const part of text) parts({ text: part });
  },
  end({ toolCalls = [] }, send) {
    const parts = toolCalls.map(({ id, name, input }) => ({ functionCall: { id, name, args: input } }));
    const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 };
    send({ modelVersion: "m", candidates: [{ content: { parts }, finishReason: "STOP" }], usageMetadata });
  },
};
