/** Wires the kernel to what the realm hands in, and the features to the kernel. */
import type { FeatureConfigs, FeatureName } from "../../../src/shared/contract/features.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import type { Frame } from "../../../src/shared/frames.ts";
import { ObjectHasOwn, ReflectApply } from "../../../src/shared/primordials.ts";
import { installChat } from "../chat/chat.ts";
import { installConsole } from "./console.ts";
import { installConversation } from "../conversation/conversation.ts";
import { installDone } from "./done.ts";
import { installEmbeddings } from "../chat/embeddings.ts";
import { installFetch } from "../fetch/fetch.ts";
import { installExecution } from "./execution.ts";
import { defineGlobal, onFrame, startKernel } from "./kernel.ts";
import { installBinding } from "./binding.ts";
import { installMcp } from "../mcp/mcp.ts";
import { installPipeline } from "../pipeline/pipeline.ts";
import { installPlaces } from "./places.ts";
import { installProcess } from "./process.ts";
import { settleScript } from "./script.ts";
import { installStore } from "./store.ts";
import { installSession } from "./session/install-session.ts";
import { installSteps } from "../steps/install-steps.ts";
import { installStep } from "../steps/steps.ts";
import { installSubScripts } from "../sub-scripts/sub-scripts.ts";
import { installLocalTime } from "../time/install-local-time.ts";
import { installReproducible } from "../time/install-reproducible.ts";
import { installTimers } from "./timers.ts";
import { installWeb } from "./web.ts";

const features: { readonly [Name in FeatureName]: (config: FeatureConfigs[Name]) => void } = {
  binding: installBinding,
  chat: installChat,
  console: installConsole,
  conversation: installConversation,
  done: installDone,
  embeddings: installEmbeddings,
  fetch: installFetch,
  execution: installExecution,
  localTime: installLocalTime,
  mcp: installMcp,
  pipeline: installPipeline,
  places: installPlaces,
  process: installProcess,
  reproducible: installReproducible,
  session: installSession,
  step: installStep,
  steps: installSteps,
  store: installStore,
  subScripts: installSubScripts,
  timers: installTimers,
  web: installWeb,
};

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

/** What a blocking call goes through: a function that answers, or one of another thread whose promise this realm waits for. */
type BlockingCall = ((frame: string) => Frame) | { applySyncPromise(receiver: undefined, args: [string]): Frame };

function toFunction(callBlocking: BlockingCall): (frame: string) => Frame {
  if (typeof callBlocking === "function") return callBlocking;
  const { applySyncPromise } = callBlocking;
  return (frame) => ReflectApply(applySyncPromise, callBlocking, [undefined, [frame]]);
}

/** Called once by the realm, before any script; returns what only the realm may hold. */
export function start(
  call: (frame: string) => string,
  callBlocking: BlockingCall,
  note: (frame: string, isUrgent: boolean) => void,
): ReturnType<typeof startKernel> {
  closeSurface();
  onFrame(FRAMES.feature_install, (feature, config) => {
    if (!ObjectHasOwn(features, feature)) throw new Error(`Cannot install the feature "${feature}": it is unknown`);
    (features[feature] as (config: unknown) => void)(config);
  });
  onFrame(FRAMES.global_set, defineGlobal);
  return startKernel({ call, callBlocking: toFunction(callBlocking), note }, settleScript);
}
