/** What `geppetto-js mcp --tools` imports in tests. */
export const tools = {
  "orders.find": {
    description: "Finds an order",
    input: { type: "object", properties: { id: { type: "integer" } }, required: ["id"] },
    output: { type: "object", properties: { id: { type: "integer" }, state: { enum: ["open", "sent"] } } },
    run: ({ id }) => ({ id, state: id % 2 === 0 ? "sent" : "open" }),
  },
  refund: {
    description: "Pays money back",
    input: { type: "object", properties: { amount: { type: "number" } }, required: ["amount"] },
    output: { type: "string" },
    run: ({ amount }) => `paid back ${amount}`,
  },
};
