// An agent: the model asks for tools, the step runs them and goes on until the model answers in text. The demo model
// asks for what its orders say; with -m openai:… or anthropic:… the question alone is enough.
const inventory = { tea: 12, tomatoes: 3 };

const stock = {
  name: "stock",
  description: "How many of an item are in stock",
  input: { type: "object", properties: { item: { type: "string" } }, required: ["item"] },
  run: ({ item }) => inventory[item] ?? 0,
};

const order = {
  name: "order",
  description: "Orders more of an item; returns when it arrives",
  input: {
    type: "object",
    properties: { item: { type: "string" }, count: { type: "integer", minimum: 1 } },
    required: ["item", "count"],
  },
  async run({ item, count }, { signal }) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    signal.throwIfAborted();
    return `${count} ${item} arrive on Monday`;
  },
};

const agent = new ChatStepFactory().newStep({ tools: [stock, order] });
const question = `Do we have enough tea and tomatoes? Order what is short.
call: stock {"item":"tea"}
call: order {"item":"tomatoes","count":10}`;

for await (const event of agent.events(question)) {
  if (event.type === "tool-call") console.log("asks ", event.toolCall.name, event.toolCall.input);
  if (event.type === "tool-result") console.log("gets ", event.toolResult.result);
  if (event.type === "final") console.log("says ", event.text);
  if (event.type === "error") throw event.cause;
}
