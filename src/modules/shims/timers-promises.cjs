/** Waits that end early with the reason of `options.signal`. */
const wait = (start, stop) => (signal) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = () => {
      stop(timer);
      reject(signal.reason);
    };
    const timer = start(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });

async function sleep(ms, value, options) {
  await wait((then) => setTimeout(() => then(), ms), clearTimeout)(options?.signal);
  return value;
}

async function turn(value, options) {
  await wait(setImmediate, clearImmediate)(options?.signal);
  return value;
}

async function* ticks(ms, value, options) {
  for (;;) yield await sleep(ms, value, options);
}

module.exports = {
  setTimeout: sleep,
  setImmediate: turn,
  setInterval: ticks,
  scheduler: { wait: (ms, options) => sleep(ms, undefined, options), yield: () => turn() },
};
