/** Formats as Node does. `warn`, `error`, `assert` and `trace` go to stderr, the rest to stdout. Never throws. */
declare const console: {
  /**
   * Prints its arguments; a first text may hold `%s`, `%d`, `%i`, `%f`, `%j`, `%o`, `%O` and `%c`.
   *
   * @example
   * console.log("%s is %d", "the answer", 42);
   */
  log(...data: unknown[]): void;
  /** @example console.info("started"); */
  info(...data: unknown[]): void;
  /** @example console.debug({ a: 1 }); */
  debug(...data: unknown[]): void;
  /** @example console.warn("nearly"); */
  warn(...data: unknown[]): void;
  /** @example console.error(new Error("no")); */
  error(...data: unknown[]): void;
  /** @example console.dir({ a: { b: 1 } }, { depth: 0 }); */
  dir(value: unknown, options?: object): void;
  /** @example console.dirxml({ a: 1 }); */
  dirxml(...data: unknown[]): void;
  /** @example console.table([{ a: 1 }, { a: 2 }], ["a"]); */
  table(data: unknown, columns?: readonly string[]): void;
  /**
   * Indents what follows, until `groupEnd()`.
   *
   * @example
   * console.group("Results");
   * console.groupEnd();
   */
  group(...label: unknown[]): void;
  /** @example console.groupCollapsed("Details"); */
  groupCollapsed(...label: unknown[]): void;
  /** @example console.groupEnd(); */
  groupEnd(): void;
  /**
   * Starts a stopwatch; `timeEnd` prints it.
   *
   * @example
   * console.time("work");
   * console.timeEnd("work");
   */
  time(label?: string): void;
  /** @example console.timeEnd("work"); */
  timeEnd(label?: string): void;
  /** @example console.timeLog("work", "half way"); */
  timeLog(label?: string, ...data: unknown[]): void;
  /** @example console.count("calls"); */
  count(label?: string): void;
  /** @example console.countReset("calls"); */
  countReset(label?: string): void;
  /** @example console.assert(1 + 1 === 2, "arithmetic is broken"); */
  assert(condition?: unknown, ...data: unknown[]): void;
  /** @example console.trace("here"); */
  trace(...data: unknown[]): void;
  /** @example console.clear(); */
  clear(): void;
};
