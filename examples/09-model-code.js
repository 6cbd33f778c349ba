// Lets a model write a program, and runs that safely: the program has two tools and nothing else. Here the program stands in
// the prompt, since the demo model writes none; with -m openai:… or anthropic:… ask for one.
const catalogue = { tea: 3.5, coffee: 4.25, mug: 12 };
const tools = {
  prices: () => catalogue,
  discount: async (total) => (total > 20 ? 0.1 : 0),
};

const program = await chat(
  "echo: const prices = await tools.prices(); const total = 2 * prices.tea + prices.mug + prices.coffee; total - total * await tools.discount(total)",
);
const outcome = await runScript(program, { tools, limits: { wallMs: 5_000, calls: 10 } });
console.log(outcome.ok, outcome.value, `${outcome.calls} calls`);

for (const hostile of ["process.env.HOME ?? 'no home'", "fetch('https://example.com')", "for (;;);"]) {
  const { ok, value, error } = await runScript(hostile, { limits: { turnMs: 300 } });
  console.log(hostile, "->", ok ? value : `${error?.name} ${error?.code ?? ""}`.trim());
}
