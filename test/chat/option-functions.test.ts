import { afterAll, describe, expect, it } from "vitest";
import { ScriptReports } from "../cli/errors/script-reports.ts";

const reports = new ScriptReports();
afterAll(() => reports[Symbol.asyncDispose]());

describe("a chat that is given a function", () => {
  it.each([
    ["as an unknown option", `await chat("echo: x", { onDelta() {} })`, /options\.onDelta: no such option$/],
    [
      "as an option that is written wrong",
      `await chat("echo: x", { tols() {} })`,
      /no such option, did you mean "tools"\?$/,
    ],
    ["in place of a text", `await chat("echo: x", { model() {} })`, /options\.model: /],
    ["in place of an object", `await chat("echo: x", { reasoning() {} })`, /options\.reasoning/],
    [
      "in tools that are no list",
      `await chat("echo: x", { tools: { add: { execute() {} } } })`,
      /options\.tools: expected a list, found an object$/,
    ],
    [
      "beside its messages",
      `await new ChatStepFactory().newStep().startAsync({ messages: [{ role: "user", content: "x" }], onDelta() {} })`,
      /onDelta: no such option$/,
    ],
  ])("%s says which option is wrong", async (_, code, text) => {
    const { document } = await reports.of(code);
    expect(document).toMatchObject({ name: "ValidationError", message: expect.stringMatching(text) as string });
  });

  it.each([
    ["(settings) => (settings.temperature = 0.2)", "a number"],
    ["(settings) => ({ ...settings, temperature: 0.2 })", "an object"],
    ["async () => {}", "a Promise"],
  ])("which returns neither nothing nor an error says so: %s", async (option, found) => {
    const { document } = await reports.of(`new ChatStepFactory().newStep([{}, ${option}]);`);
    expect(document).toMatchObject({
      name: "ValidationError",
      message: `Cannot create a chat step: options[1] must return nothing or an error, it returned ${found}; change the settings that it is given`,
    });
  });

  it("that gives a value which refers to itself tells the model where", async () => {
    const { outcome } = await reports.of(`
      const o = {}; o.o = o;
      export default await chat("call: a {}", { tools: [{ name: "a", input: { type: "object" }, run: () => o }] });`);
    expect(outcome.value).toContain('refers to itself at "value.o"');
  });
});
