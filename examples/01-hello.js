// The shortest script that talks to a model. Without a key it is the embedded demo model that answers.
console.log("Hello from the sandbox.");

const step = new ChatStepFactory().newStep();
step.runWithEvents("echo: Hello! I am a model, and this is my streamed answer.", (event) => {
  if (event.type === "partial") process.stdout.write(event.delta);
  if (event.type === "final") console.log();
  if (event.type === "error") throw event.cause;
});
