import type { SetupFunction } from "../src/engine/engine.ts";
import { serveImages } from "./images.ts";

/** `Conversation`. It lives in the guest; only images are looked at here, where the engine's permissions let them be. */
export function setupConversation(): SetupFunction {
  return function conversation(vm, engine) {
    serveImages(vm, engine);
    vm.host.later(vm.install("conversation"));
  };
}
