import { describe, expect, it } from "vitest";
import { messageParts, PART_CHARS, textTokens, tokenFactor } from "../../src/shared/token-estimate.ts";
import { runChat } from "../chat/run-chat.ts";

/** Texts with the number of tokens that o200k has for them. */
const COUNTED: readonly (readonly [what: string, tokens: number, text: string])[] = [
  [
    "English",
    64,
    "A script is over when its body has settled and nothing is pending: timers, runs of steps, calls of the host. Whoever needs it to wait longer says so. The limits are counted by the host, which tells the script in time what it may not do, and how to raise it where that is wanted.",
  ],
  ["a chat", 19, "hi, can you pls tell me whats the weather in Rome tmrw? thx!"],
  [
    "German",
    42,
    "Der Vertrag steht auf der Schnittstelle: was darf, was muss, in welcher Reihenfolge, und was beim Schließen geschieht. Die Straßenbahn fährt heute wegen Bauarbeiten nicht bis zum Hauptbahnhof.",
  ],
  [
    "French",
    30,
    "L'été dernier, nous avons passé trois semaines à la campagne, où les enfants ont appris à nager dans la rivière et à reconnaître les oiseaux.",
  ],
  [
    "Russian",
    27,
    "Вчера вечером мы долго гуляли по набережной и говорили о том, как изменился город за последние десять лет.",
  ],
  ["Greek", 34, "Το καλοκαίρι πήγαμε στο νησί και κολυμπούσαμε κάθε μέρα στη θάλασσα μέχρι το βράδυ."],
  [
    "Chinese",
    38,
    "去年夏天我们去了山里,在河边的一个小村庄住了两个星期。政府宣布了减少排放的新措施,专家认为这些措施还不够。",
  ],
  [
    "Japanese",
    39,
    "去年の夏、私たちは山へ行き、川の近くの小さな村で二週間過ごしました。政府は新しい対策を発表しました。",
  ],
  [
    "code",
    88,
    "export function addUsage(sum: Usage | undefined, more: Usage | undefined): Usage | undefined {\n  if (sum === undefined || more === undefined) return more ?? sum;\n  const total: Record<string, number> = { ...sum };\n  for (const [field, count] of Object.entries(more)) total[field] = (total[field] ?? 0) + (count as number);\n  return total;\n}\n",
  ],
  [
    "JSON",
    521,
    JSON.stringify({
      orders: Array.from({ length: 12 }, (_, i) => ({
        id: `ord_${1000 + i * 37}`,
        customer: "Anna Schmidt",
        total: 19.99 + i,
        currency: "EUR",
        paid: i % 2 === 0,
        placedAt: `2026-0${(i % 9) + 1}-11T10:22:00Z`,
      })),
    }),
  ],
  [
    "Markdown",
    66,
    "| Setting | Values | Default |\n| --- | --- | --- |\n| `limits.timeout` | a duration | `10m` |\n| `chat.model` | a name | `gpt-5-mini` |\n\n- **First**, read [the guide](docs/cli.md).\n- Then run `npm test`.\n",
  ],
  [
    "identifiers",
    102,
    "7b0e6a3c-3d5d-4b53-9a8e-0a7d3a1c2f11\n0f4b8a52-61c1-4d8e-8c59-5e2b7a9d4c33\nc2a1d0e9-8f7b-4a6c-b5d4-e3f2a1b0c9d8",
  ],
];

describe("textTokens()", () => {
  it.each(COUNTED)("is within a quarter of what o200k counts for %s", (_, tokens, text) => {
    expect(Math.abs(textTokens(text) - tokens) / tokens).toBeLessThan(0.25);
  });

  it("grows with the text, whatever is in it, and takes time in proportion", () => {
    const odd = "\u{1f600}é\ud800\u0000 \n\t中ก9" + "x".repeat(50);
    const one = textTokens(odd.repeat(2_000));
    const ten = textTokens(odd.repeat(20_000));
    expect(ten / one).toBeGreaterThan(9.9);
    expect(ten / one).toBeLessThan(10.1);
    expect(textTokens("")).toBe(0);
    expect(textTokens("a".repeat(3 * PART_CHARS))).toBeGreaterThan(30_000);
  });
});

describe("tokenFactor()", () => {
  it("knows models by the beginnings of their names", () => {
    expect(["gpt-5-mini", "GPT-4o", "o3", "claude-opus-4-5", "mistral", undefined].map(tokenFactor)).toEqual([
      1, 1, 1, 1.25, 1.1, 1.1,
    ]);
  });
});

describe("messageParts()", () => {
  it("counts texts, calls, results and images in all forms of messages", () => {
    const image = { type: "image", url: "https://example.com/a.png" };
    expect(messageParts({ role: "user", content: [{ type: "text", text: "look" }, image] })).toEqual({
      texts: ["look"],
      tokens: 1104,
    });
    expect(messageParts({ role: "user", content: [{ ...image, detail: "low" }] }).tokens).toBe(89);
    expect(messageParts({ role: "user", text: "hi", images: [{ imageURL: "data:image/png;base64,AAAA" }] })).toEqual({
      texts: ["hi"],
      tokens: 1104,
    });
    const call = { id: "1", name: "f", input: { a: 1 } };
    expect(messageParts({ role: "assistant", content: "", toolCalls: [call] }).texts).toContain(JSON.stringify([call]));
    expect(messageParts({ type: "tool-use", toolID: "1", name: "f", input: { a: 1 } }).texts).toEqual(["f", '{"a":1}']);
    expect(messageParts({ type: "tool-result", toolID: "1", result: "x" }).texts).toEqual(["x"]);
    expect(messageParts(5)).toEqual({ texts: [], tokens: 4 });
  });
});

describe("countTokens()", () => {
  it("takes a text, messages, a conversation, its snapshot, and what a chat takes", async () => {
    const { value, error } = await runChat(
      `const conversation = new Conversation();
      conversation.addMessage("user", "The quick brown fox");
      conversation.addToolUse("t", "f", { a: 1 });
      conversation.addToolResult("t", "done");
      const messages = conversation.getMessages();
      export default { text: countTokens("The quick brown fox", { model: "gpt-5" }), none: countTokens(""),
        same: new Set([countTokens(conversation), countTokens(conversation.toJSON()), countTokens(messages), countTokens({ messages })]).size,
        one: countTokens(messages[0], { model: "gpt-5" }), claude: countTokens("word ".repeat(100), { model: "claude-opus-4-5" }),
        beside: countTokens({ messages, system: "Be brief", tools: [{ name: "f", description: "finds", input: {} }] }) > countTokens({ messages }) };`,
    );
    expect(error).toBeUndefined();
    expect(value).toEqual({ text: 4, none: 0, same: 1, one: 8, claude: 125, beside: true });
  });

  it("says what it cannot count, and is not fooled into another result by changed prototypes", async () => {
    const { value } = await runChat(
      `const say = (given, options) => { try { return countTokens(given, options); } catch (e) { return e.name + ": " + e.message; } };
      const before = countTokens(["a b", { role: "user", content: "c" }]);
      String.prototype.charCodeAt = () => 0; Array.prototype[Symbol.iterator] = null; JSON.stringify = () => "x".repeat(1e6); Math.max = () => 1e9;
      export default [say(5), say(null), say("x", { model: 5 }), say([5]), before === countTokens(["a b", { role: "user", content: "c" }])];`,
    );
    expect(value).toEqual([
      "ValidationError: Cannot count tokens: expected a text or messages, not number",
      "ValidationError: Cannot count tokens: expected a text or messages, not null",
      "ValidationError: Cannot count tokens: model must be a string, not number",
      "ValidationError: Cannot count tokens: messages[0] is 5, not a text or a message",
      true,
    ]);
  });
});
