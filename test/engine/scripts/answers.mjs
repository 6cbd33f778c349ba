// What comes of host functions and steps that give or throw what does not cross as it is.
const long = "x".repeat(16 * 1024 * 1024 - 100);
const said = {};
const of = async (name, act) => {
  try {
    said[name] = await act();
  } catch (error) {
    const { name: kind, message, stack } = error;
    said[name] = { kind, chars: message.length, showsHost: /node_modules|\/dist\/|op-table/.test(stack) };
  }
};
await of("sync refuses", () => refuse_sync(long));
await of("async refuses", () => refuse_async(long));
await of("blocking refuses", () => refuse_blocking(long));
await of("sync gives", () => give_sync());
await of("async gives", () => give_async());
await of("blocking gives", () => give_blocking());
await of("step in time", async () => (await giving.startAsync(1))[0]);
await of("step blocks", () => giving.startBlocking(1)[0]);
await of("step notes", () => noting.startAsync(1));
await of("step notes, blocks", () => noting.startBlocking(1));
export default said;
