import type { ApproveCall, McpSettings, RuntimeEngine, RuntimeEngineOptions } from "../../index.ts";
import type { Terminal } from "../output/terminal.ts";
import { Asker } from "./asker.ts";

/** Longest text of a server's that is shown, in characters. */
const MAX_SHOWN = 200;

export interface ConsentsOptions {
  /** What `--approve` says. */
  when: "ask" | "never" | "always";
  terminal: Terminal;
  /** Is there somebody to ask, and are stdin and stderr theirs? */
  isInteractive: boolean;
  /** The engine of an execution that lasts: what is asked there can be answered at any time, from anywhere. */
  lasting?: () => RuntimeEngine;
}

/** Who decides about calls of tools, where not all are made; and who answers a script that asks. */
export interface Consents {
  onApprove?: ApproveCall;
  answers: NonNullable<RuntimeEngineOptions["answers"]>;
  /** Answers what MCP servers ask of the user. */
  onElicit: NonNullable<McpSettings["onElicit"]>;
}

/** Who answers for the user, as `--approve` says. */
export function consents({ when, terminal, isInteractive, lasting }: ConsentsOptions): Consents {
  const user = isInteractive ? new Asker(terminal) : undefined;
  const why = when === "never" ? "--approve never says so" : "there is no terminal to ask on";
  const onElicit = when === "never" || user === undefined ? declineAll(terminal, why) : user.elicit;
  if (lasting !== undefined) {
    const onApprove = when === "never" ? refuse : askLater(lasting);
    return { ...(when === "always" ? {} : { onApprove }), answers: {}, onElicit };
  }
  const asker = when === "ask" ? user : undefined;
  const answers = { receive: false, approve: asker?.consent ?? false };
  if (when === "always") return { answers, onElicit };
  if (when === "never") return { onApprove: refuse, answers, onElicit };
  return { onApprove: asker?.approve ?? refuseAll(terminal), answers, onElicit };
}

const refuse: ApproveCall = () => false;

/** The question waits with the execution; whoever resumes it asks again, and finds the answer. */
function askLater(engine: () => RuntimeEngine): ApproveCall {
  return async ({ name, input }, { signal }) => {
    const { approved } = await engine().askApproval(`Call the tool ${name}?`, { data: input, signal });
    return approved;
  };
}

function refuseAll(terminal: Terminal): ApproveCall {
  let said = false;
  return ({ name }) => {
    if (!said) {
      terminal.note(`Refusing the call of "${name}", and all others: --approve ask needs a terminal to ask on`);
    }
    said = true;
    return false;
  };
}

function declineAll(terminal: Terminal, why: string): Consents["onElicit"] {
  return ({ server, message }) => {
    const shown = JSON.stringify(message.slice(0, MAX_SHOWN).toWellFormed());
    terminal.note(`Declining what the MCP server "${server}" asks, ${shown}: ${why}`);
    return { action: "decline" };
  };
}
