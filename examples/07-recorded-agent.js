// An agent that learns from a tool's refusal and answers in a form of its own. Its model is recorded: with --replay
// 07-recorded-agent.cassette.json it needs neither network nor key, and prints the same each time.
export const options = {
  chat: { provider: "openai", model: "gpt-5-mini", system: "You settle refunds for a tea shop." },
  limits: { maxCalls: 8 },
};

const orders = { 17: { item: "green tea", paid: 12.5 }, 18: { item: "teapot", paid: 40 } };
const order = { type: "integer", description: "The order's number" };

const lookUp = {
  name: "look_up",
  description: "What an order was for, and what was paid for it",
  input: { type: "object", properties: { order }, required: ["order"] },
  run: ({ order }) => orders[order] ?? "no such order",
};

const refund = {
  name: "refund",
  description: "Pays money back for an order",
  input: { type: "object", properties: { order, amount: { type: "number" } }, required: ["order", "amount"] },
  run({ order, amount }) {
    const { paid } = orders[order];
    if (amount > paid) throw new RangeError(`only ${paid} was paid for order ${order}`);
    return `${amount} is on its way`;
  },
};

const answer = {
  type: "object",
  properties: { refunded: { type: "number" }, message: { type: "string" } },
  required: ["refunded", "message"],
};

const agent = new ChatStepFactory().newStep({
  tools: [lookUp, refund],
  responseFormat: answer,
});
for await (const event of agent.events("The tea of orders 17 and 18 was stale. Pay back 20 for the tea.")) {
  if (event.type === "tool-call") console.log("asks", event.toolCall.name, event.toolCall.input);
  if (event.type === "tool-result") console.log("gets", event.toolResult.result);
  if (event.type === "final") console.log("ends", event.results[0].parsed, event.step.metadata.usage);
  if (event.type === "error") throw event.cause;
}
