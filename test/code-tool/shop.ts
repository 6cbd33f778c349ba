import type { CodeFunction } from "../../src/index.ts";

/** Some functions of a host's, for code to call. */
export const SHOP: Readonly<Record<string, CodeFunction>> = {
  "orders.find": {
    description: "Finds an order. Of an unknown number there is none.",
    input: { type: "object", properties: { id: { type: "integer" } }, required: ["id"], additionalProperties: false },
    output: {
      type: "object",
      properties: {
        id: { type: "integer" },
        state: { enum: ["open", "sent"] },
        items: { type: "array", items: { type: "string" } },
      },
      required: ["id", "state", "items"],
    },
    run: ({ id }) => ({ id, state: Number(id) % 2 === 0 ? "sent" : "open", items: ["tea", "cups"] }),
  },
  "orders.list": {
    description: "Lists the numbers of all orders",
    output: { type: "array", items: { type: "integer" } },
    run: () => [1, 2, 3, 4],
  },
  refund: {
    description: "Pays money back",
    input: { type: "object", properties: { amount: { type: "number" } }, required: ["amount"] },
    output: { type: "string" },
    run: ({ amount }) => `paid back ${String(amount)}`,
  },
  fails: {
    run: () => {
      throw new Error("the shop is closed");
    },
  },
};
