// A chat that goes on for longer than its model can read: old turns are summarized when there is too much, and the history
// stays whole. Hooks keep the results of tools short, which is what fills a context in the first place.
const pages = {
  name: "page",
  description: "A page of the handbook",
  input: { type: "object", properties: { number: { type: "integer" } }, required: ["number"] },
  run: ({ number }) => `Page ${number}. ` + "All of this is in the handbook. ".repeat(20),
};
const hooks = {
  beforeTool: ({ input }) => (input.number > 2 ? { refuse: "the handbook has two pages" } : undefined),
  afterTool: (call, { result }) => ({ result: result.slice(0, 60) }),
};
const session = new ChatSession({
  system: "You answer from the handbook.",
  tools: [pages],
  hooks,
  context: { maxTokens: 250, compact: "summarize" },
});

for (const number of [1, 2, 3]) {
  const { text } = await session.next(`call: page {"number":${number}}`);
  console.log(text);
}
for (let i = 1; i <= 4; i++) {
  const { metadata } = await session.next(`echo: and that is note number ${i} about what the handbook says`);
  const tokens = countTokens(session.conversation);
  console.log(
    `note ${i}: ${tokens > 250 ? "more than" : "within"} 250 tokens in all, changed ${metadata.contextChanges ?? 0} times`,
  );
}
