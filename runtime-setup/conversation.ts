import type { SetupFunction } from "../src/engine/engine-options.ts";
import { type ImagePermissions, serveImages } from "./images.ts";

/** `Conversation`. It lives in the guest; only images are looked at here, and only where `permissions` say. */
export function setupConversation(permissions: ImagePermissions = {}): SetupFunction {
  return async function conversation(vm, engine) {
    serveImages(vm, engine, permissions);
    await vm.install("conversation");
  };
}
