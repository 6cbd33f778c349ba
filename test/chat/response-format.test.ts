import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { runChat } from "./run-chat.ts";
import { startScriptedServer, type ScriptedServer } from "./scripted-server.ts";

const SCHEMA = `const person = { type: "object", title: "a person", properties: { name: { type: "string" }, age: { type: "integer", minimum: 0 } }, required: ["name", "age"], additionalProperties: false };
`;

describe.each(ISOLATIONS)("responseFormat with the demo model (%s)", (isolation) => {
  it("gives a message whose parsed value fits the schema", async () => {
    const { value } = await runChat(
      `${SCHEMA}const [message] = await new ChatStepFactory().newStep({ responseFormat: person }).startAsync("Ada is 36.");
      export default [message.parsed, message.parsed.age, String(message) === message.text];`,
      { isolation },
    );
    expect(value).toEqual([{ name: "Ada is 36.", age: 36 }, 36, true]);
  });
});

describe("responseFormat", () => {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await startScriptedServer();
  });
  afterAll(() => server.close());
  const ask = (extra = ""): string =>
    `${SCHEMA}export default (await new ChatStepFactory().newStep({ responseFormat: person${extra} }).startAsync("who?"))[0];`;

  it("is sent to OpenAI as a strict, named JSON schema; a fence around the answer does no harm", async () => {
    server.play({ text: '```json\n{"name": "Ada", "age": 36}\n```' });
    const { value } = await runChat(ask(), { chat: server.settings });
    expect(value).toMatchObject({ parsed: { name: "Ada", age: 36 } });
    expect(server.bodies[0]).toMatchObject({
      response_format: { type: "json_schema", json_schema: { name: "a_person", strict: true } },
    });
  });

  it("sends an answer that does not fit back once, with what is wrong; usage is that of both", async () => {
    server.play({ text: '{"name": "Ada", "age": -1}' }, { text: '{"name": "Ada", "age": 36}' });
    const { value } = await runChat(ask(), { chat: server.settings });
    expect(value).toMatchObject({
      text: '{"name": "Ada", "age": 36}',
      parsed: { age: 36 },
      metadata: { usage: { inputTokens: 20, outputTokens: 4 } },
    });
    expect(server.bodies[1]!.messages.slice(1)).toEqual([
      { role: "assistant", content: '{"name": "Ada", "age": -1}' },
      {
        role: "user",
        content:
          "That is not the JSON that was asked for: answer.age: expected at least 0, found -1. Answer again, with the JSON alone.",
      },
    ]);
  });

  it.each([
    ["Sorry, I cannot.", "it is not JSON: Sorry, I cannot."],
    ['{"name": "Ada"}', 'answer.age: expected a number, found nothing: {"name": "Ada"}'],
    ['{"name": "Ada", "age": 3, "aeg": 3}', "answer.aeg: no such field"],
    ["", "it is empty: "],
  ])("that gets %j twice ends in a ValidationError with the text", async (text, words) => {
    server.play({ text });
    const { error } = await runChat(ask(), { chat: server.settings });
    expect(error).toMatchObject({ name: "ValidationError", code: "ERR_RESPONSE_FORMAT" });
    expect(error!.message).toContain(words);
    expect(server.bodies).toHaveLength(2);
  });

  it("says when the answer was cut off", async () => {
    server.play({ text: '{"name": "A', finish: "length" });
    const { error } = await runChat(ask(", maxTokens: 5"), { chat: server.settings });
    expect(error!.message).toContain("it was cut off at the token limit");
  });

  it("comes after the tools, and the repair offers none", async () => {
    server.play({ calls: [{ name: "t", arguments: "{}" }] }, { text: "no" }, { text: '{"name": "x", "age": 1}' });
    const { value } = await runChat(ask(`, tools: [{ name: "t", run: () => 1 }]`), { chat: server.settings });
    expect(value).toMatchObject({ parsed: { name: "x", age: 1 }, metadata: { toolRounds: 1 } });
    expect(server.bodies.map(({ tools }) => tools !== undefined)).toEqual([true, true, false]);
  });

  it("that is no schema is a ValidationError that names it, before anything is asked", async () => {
    server.play({ text: "{}" });
    const { error } = await runChat(`await chat("x", { responseFormat: { type: "person" } });`, {
      chat: server.settings,
    });
    expect(error).toMatchObject({ name: "ValidationError", code: "ERR_SCHEMA" });
    expect(error!.message).toContain("Cannot use responseFormat");
    expect(server.bodies).toHaveLength(0);
  });
});
