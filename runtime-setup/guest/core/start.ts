/** Wires the kernel to the realm's bridge and the features to the kernel. */
import type { Frame } from "../../../src/shared/frames.ts";
import { ReflectApply, SafeMap } from "../../../src/shared/primordials.ts";
import { installChat } from "../chat/chat.ts";
import { installConsole } from "./console.ts";
import { installConversation } from "../conversation/conversation.ts";
import { installDone } from "./done.ts";
import { installEmbeddings } from "../chat/embeddings.ts";
import { defineGlobal, onFrame, startKernel } from "./kernel.ts";
import { installBinding } from "./binding.ts";
import { installPipeline } from "../pipeline/pipeline.ts";
import { installProcess } from "./process.ts";
import { settleScript } from "./script.ts";
import { installSteps } from "../steps/install-steps.ts";
import { installStep } from "../steps/steps.ts";
import { installTimers } from "./timers.ts";
import { installWeb } from "./web.ts";

const features = new SafeMap<string, (config: never) => void>();
features.set("binding", installBinding);
features.set("chat", installChat);
features.set("console", installConsole);
features.set("conversation", installConversation);
features.set("done", installDone);
features.set("embeddings", installEmbeddings);
features.set("pipeline", installPipeline);
features.set("process", installProcess);
features.set("step", installStep);
features.set("steps", installSteps);
features.set("timers", installTimers);
features.set("web", installWeb);

/** What V8 gives a bare isolate and a script is not to have: each is a way around a limit, or crashes the marshaller. */
const REMOVED = ["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry", "WeakRef", "Float16Array"];

function closeSurface(): void {
  for (const name of REMOVED) delete (globalThis as Record<string, unknown>)[name];
  for (const key of ["resize", "resizable", "maxByteLength"]) {
    delete (ArrayBuffer.prototype as unknown as Record<string, unknown>)[key];
  }
  delete (Math as { f16round?: unknown }).f16round;
  const view = DataView.prototype as { getFloat16?: unknown; setFloat16?: unknown };
  delete view.getFloat16;
  delete view.setFloat16;
}

/** A function of the realm's whose promise this realm waits for. */
interface BlockingDoor {
  applySyncPromise(receiver: undefined, args: [string]): Frame;
}

/** Called once by the realm, before any script; returns what only the realm may hold. */
export function start(
  call: (frame: string) => string,
  callBlocking: BlockingDoor,
  note: (frame: string) => void,
): ReturnType<typeof startKernel> {
  const { applySyncPromise } = callBlocking;
  closeSurface();
  onFrame("install", (body) => {
    const install = features.get(body[2] as string);
    if (install === undefined) throw new Error(`no feature "${body[2] as string}"`);
    install(body[3] as never);
  });
  onFrame("set", (body) => defineGlobal(body[2] as string, body[3]));
  return startKernel(
    {
      call,
      callBlocking: (frame) => ReflectApply(applySyncPromise, callBlocking, [undefined, [frame]]),
      note,
    },
    settleScript,
  );
}
