/** The first script of a project, and what its test compares and replays: the same that `test` would write. */
export const FIRST_SCRIPT: Readonly<Record<string, string>> = {
  "hello.js": `// Run it with: geppetto-js run hello.js Anna

const [name = "world"] = process.argv.slice(2);

// Without a key the demo model answers. It is not a language model, but it obeys: "echo: text" answers with the text.
console.log(await chat(\`echo: Hello, \${name}!\`));

// Deltas of an answer are printed as they come.
const conversation = new Conversation();
conversation.addMessage("system", "Anna likes green tea. Ben grows tomatoes on the roof.");
conversation.addMessage("user", "What does Anna like?");
for await (const delta of new ChatStepFactory().newStep().stream(conversation)) process.stdout.write(delta);
console.log();
`,
  "hello.golden": `Hello, world!
[demo] Anna likes green tea.
`,
  "hello.cassette.json": `{"format":"geppetto-cassette/2"}
{"id":"00000000-0000-4000-8000-000000000001","recordedAt":"2026-01-01T00:00:00.000Z","endedAt":"2026-01-01T00:00:00.000Z","request":{"provider":"embedded","model":"demo","messages":[{"role":"user","content":"echo: Hello, world!"}]},"chunks":[{"type":"text","delta":"Hello, "},{"type":"text","delta":"world!"},{"type":"end","stopReason":"stop","providerStopReason":"stop","usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5},"engine":"demo"}],"end":"complete"}
{"id":"00000000-0000-4000-8000-000000000002","recordedAt":"2026-01-01T00:00:00.000Z","endedAt":"2026-01-01T00:00:00.000Z","request":{"provider":"embedded","model":"demo","messages":[{"role":"system","content":"Anna likes green tea. Ben grows tomatoes on the roof."},{"role":"user","content":"What does Anna like?"}]},"chunks":[{"type":"text","delta":"[demo] "},{"type":"text","delta":"Anna "},{"type":"text","delta":"likes "},{"type":"text","delta":"green "},{"type":"text","delta":"tea."},{"type":"end","stopReason":"stop","providerStopReason":"stop","usage":{"inputTokens":14,"outputTokens":5,"totalTokens":19},"engine":"demo"}],"end":"complete"}
`,
};
