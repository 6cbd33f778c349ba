/** The script's own `process`, with what packages ask of Node's. */
const own = {
  browser: true,
  title: "browser",
  version: "",
  versions: {},
  platform: "browser",
  cwd: () => "/",
  nextTick: (callback, ...args) => queueMicrotask(() => callback(...args)),
  on: () => module.exports,
  once: () => module.exports,
  off: () => module.exports,
  emit: () => false,
  emitWarning: () => {},
  hrtime: Object.assign(
    ([seconds, nanoseconds] = [0, 0]) => {
      const now = performance.now();
      const total = Math.round(now * 1e6) - (seconds * 1e9 + nanoseconds);
      return [Math.floor(total / 1e9), total % 1e9];
    },
    { bigint: () => BigInt(Math.round(performance.now() * 1e6)) },
  ),
};
module.exports = new Proxy(process, { get: (target, key) => (key in target ? target[key] : own[key]) });
