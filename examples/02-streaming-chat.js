// Streams an answer and looks at every kind of event on the way. The callback is called once for each event, in order:
// one start, the deltas as partials, and at the end exactly one of final, error and interrupt.
const step = new ChatStepFactory().newStep({ system: "Answer in one sentence." });

let deltas = 0;
step.runWithEvents("echo: Streaming means that you read while the model still writes.", (event) => {
  switch (event.type) {
    case "start":
      console.log(`start: a ${event.step.type} step`);
      break;
    case "partial":
      deltas++;
      process.stdout.write(event.delta);
      break;
    case "final":
      console.log(`\nfinal: ${deltas} deltas, ${event.step.metadata.usage?.outputTokens} tokens`);
      break;
    case "error":
      throw event.cause;
    case "interrupt":
      console.log(`\ninterrupted after: ${event.text}`);
      break;
  }
});
