import type { SetupFunction } from "../src/engine/engine.ts";

/** `Conversation`. It lives wholly in the guest. */
export function setupConversation(): SetupFunction {
  return async function conversation(vm) {
    await vm.install("conversation");
  };
}
