import type { ConsoleSink, OutputStream } from "../../index.ts";

export interface ScriptSinkOptions {
  terminal: ConsoleSink;
  /** Takes what goes to stdout, in place of the terminal. */
  toDocument?: (text: string) => void;
  /** Hears of all that is printed. */
  onPrint(stream: OutputStream, text: string): void;
  /** See `ConsoleSink`. */
  onPromise(): void;
}

/** Where the output of a script on the command line goes. */
export function scriptSink({ terminal, toDocument, onPrint, onPromise }: ScriptSinkOptions): ConsoleSink {
  const { colors } = terminal;
  return {
    stdout: (text, call) => {
      onPrint("stdout", text);
      if (toDocument === undefined) terminal.stdout(text, call);
      else toDocument(text);
    },
    stderr: (text, call) => {
      onPrint("stderr", text);
      terminal.stderr(text, call);
    },
    ...(colors === undefined || toDocument !== undefined ? {} : { colors }),
    onPromise,
  };
}
