/** What the parts of a journal are called on the server. */
export interface StreamNames {
  /** The stream of all logs, and of what executions were begun with. */
  logs: string;
  /** The stream of what executions are told. */
  box: string;
  /** Buckets: journals that hold executions, and values of scripts. */
  holders: string;
  values: string;
  log(id: string): string;
  begin(id: string): string;
  /** What is told to it: `what` is "send", "cancel" or the number of a question. */
  told(id: string, what: string | number): string;
  idOf(subject: string): string;
}

const PREFIX = /^[\w-]{1,64}$/;

export function isPrefix(prefix: unknown): boolean {
  return typeof prefix === "string" && PREFIX.test(prefix);
}

export function streamNames(prefix: string): StreamNames {
  return {
    logs: `${prefix}_executions`,
    box: `${prefix}_messages`,
    holders: `${prefix}_holders`,
    values: `${prefix}_values`,
    log: (id) => `${prefix}.execution.log.${toToken(id)}`,
    begin: (id) => `${prefix}.execution.begin.${toToken(id)}`,
    told: (id, what) => `${prefix}.execution.told.${toToken(id)}.${what}`,
    idOf: (subject) => subject.split(".")[3]!.replaceAll("~", "."),
  };
}

/** An id may have dots, and no tilde. */
function toToken(id: string): string {
  return id.replaceAll(".", "~");
}
