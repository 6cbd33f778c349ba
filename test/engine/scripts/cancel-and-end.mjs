// Cancels a run that the bus holds up, waits for its interrupt and ends while another is held up.
const types = [];
await new Promise((resolve) => {
  const id = count.runWithEvents(10, ({ type }) => {
    types.push(type);
    if (type === "start") count.cancel(id);
    if (type === "interrupt") resolve();
  });
});
count.runWithEvents(10, () => {});
done(types);
