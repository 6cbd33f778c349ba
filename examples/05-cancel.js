// Three ways to stop what takes too long: the step's own cancel(), an AbortSignal, and a time limit.
const step = new ChatStepFactory().newStep();
const longAnswer = "slow: 10ms\necho: one two three four five six seven eight nine ten";

// After cancel() the next event is the last: an interrupt with the text that was delivered.
await new Promise((resolve) => {
  let words = 0;
  const id = step.runWithEvents(longAnswer, (event) => {
    if (event.type === "partial" && ++words === 3) console.log("cancelled:", step.cancel(id));
    if (event.type === "interrupt") resolve(console.log("interrupt:", event.text.trim()));
  });
});

// An aborted promise rejects with the signal's reason.
const controller = new AbortController();
const promise = step.startAsync(longAnswer, { signal: controller.signal });
controller.abort(new Error("changed my mind"));
await promise.catch((error) => console.log("rejected:", error.message));

await step
  .startAsync("slow: 10s\necho: too late", { signal: AbortSignal.timeout(50) })
  .catch((error) => console.log("rejected:", error.name));
