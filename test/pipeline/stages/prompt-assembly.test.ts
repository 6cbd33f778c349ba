import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endOfTurnElement, messageElement, promptAssembly, textElement } from "../../../src/pipeline/index.ts";
import { inWords, runStages } from "./run-stages.ts";

describe("promptAssembly()", () => {
  it("makes a user's message of each text, after one system message", async () => {
    const stage = promptAssembly("p", { system: "Speak {{language}}.", variables: { language: "French" } });
    const elements = await runStages([stage], [endOfTurnElement(), "one", "two", endOfTurnElement(), "three"]);
    const wanted = ["<end-of-turn>", "system: Speak French.", "user: one", "user: two", "<end-of-turn>", "user: three"];
    expect(inWords(elements)).toEqual(wanted);
  });

  it("sends the system message once in each execution", async () => {
    const stage = promptAssembly("p", { system: "Be brief." });
    for (let i = 0; i < 2; i++) {
      expect(inWords(await runStages([stage], ["a", "b"]))).toEqual(["system: Be brief.", "user: a", "user: b"]);
    }
  });

  it("takes a variable from the element, then from the options, then from the defaults", async () => {
    const stage = promptAssembly("p", {
      template: "{{a}} {{ b }} {{c}}: {{input}}",
      variables: { a: "options", b: "options" },
      defaults: { a: "default", b: "default", c: 0 },
    });
    const element = textElement("hi", { metadata: { variables: { a: "own" } } });
    expect(inWords(await runStages([stage], element))).toEqual(["user: own options 0: hi"]);
  });

  it("lists every variable that has no value, of the system message and of the text", async () => {
    const stage = promptAssembly("p", {
      system: "{{one}} {{two}}",
      template: "{{two}} {{three}} {{four}}",
      variables: { four: 4 },
    });
    const metadata = { variables: { three: { nested: true } } };
    await expect(runStages([stage], textElement("x", { metadata }))).rejects.toThrow(
      'Stage "p" failed: Cannot assemble the prompt: no value for one, two, three (a text or number, not object)',
    );
  });

  it("chooses among templates by the element's name for one, the first by default", async () => {
    const stage = promptAssembly("p", { template: { ask: "Q: {{input}}", sum: "Sum up: {{input}}" } });
    const named = textElement("b", { metadata: { template: "sum" } });
    expect(inWords(await runStages([stage], ["a", named]))).toEqual(["user: Q: a", "user: Sum up: b"]);
    const unknown = textElement("c", { metadata: { template: "toString" } });
    await expect(runStages([stage], unknown)).rejects.toThrow(
      'there is no template "toString", the templates are "ask", "sum"',
    );
  });

  it("reads no value again, whatever is in it", async () => {
    const stage = promptAssembly("p", { template: "{{a}}|{{input}}", variables: { a: "{{secret}}", secret: "42" } });
    expect(inWords(await runStages([stage], "{{a}} $& \\{{ {{secret}}"))).toEqual([
      "user: {{secret}}|{{a}} $& \\{{ {{secret}}",
    ]);
  });

  it("puts any text in as it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (value, input) => {
        const stage = promptAssembly("p", { template: "<{{v}}><{{input}}>", variables: { v: value } });
        expect(inWords(await runStages([stage], [input]))).toEqual([`user: <${value}><${input}>`]);
      }),
      { numRuns: 50 },
    );
  });

  it("finds nothing that only every object has", async () => {
    const stage = promptAssembly("p", { template: "{{constructor}} {{__proto__}} {{toString}}" });
    await expect(runStages([stage], "x")).rejects.toThrow("no value for constructor, __proto__, toString");
  });

  it("takes an escaped brace for what it is", async () => {
    const stage = promptAssembly("p", { template: "\\{{input}} is {{input}}" });
    expect(inWords(await runStages([stage], "x"))).toEqual(["user: {{input}} is x"]);
  });

  it.each([
    ["{{name", '"{{" at 0 is not closed'],
    ["{{}}", "{{}} does not name a variable"],
    ["{{a b}}", "{{a b}} does not name a variable"],
    ["{{1 + 1}}", "{{1 + 1}} does not name a variable"],
    ["{{{{a}}}}", '"{{" at 0 is not closed'],
  ])("refuses the template %s when it is made", (template, why) => {
    expect(() => promptAssembly("p", { template })).toThrow(`Cannot use template "default" of stage "p": ${why}`);
    expect(() => promptAssembly("p", { system: template })).toThrow(`Cannot use the system template of "p": ${why}`);
  });

  it("keeps what is known of the text, and leaves messages as they are", async () => {
    const message = messageElement({ role: "assistant", text: "{{not a template}}" });
    const [made, passed] = await runStages([promptAssembly("p")], [textElement("x", { metadata: { k: 1 } }), message]);
    expect(made!.metadata).toEqual({ k: 1 });
    expect(passed).toMatchObject({ kind: "message", message: { text: "{{not a template}}" } });
  });
});
