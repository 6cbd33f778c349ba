import { SafePromise, SafeTypeError, promiseThen } from "../../../src/shared/primordials.ts";
import { defineGlobal, guard } from "./kernel.ts";
import { installCrypto } from "../web/crypto.ts";
import { installEncoding } from "../web/encoding/encoding.ts";
import { defineOperation } from "../web/define-class.ts";
import { installEvents } from "../web/events.ts";
import { installMessages } from "../web/messages.ts";
import { installPerformance } from "../web/performance.ts";
import { installStreams } from "../web/streams.ts";
import { installStructuredClone } from "../web/structured-clone.ts";
import { installUrl } from "../web/url/url.ts";

const settled = SafePromise.resolve();

/** The parts of the web platform that a bare isolate lacks. */
export function installWeb(): void {
  installEvents();
  installEncoding();
  installStructuredClone();
  installUrl();
  installCrypto();
  installPerformance();
  installMessages();
  installStreams();
  // Packages that are built for browsers find the global object by it.
  defineGlobal("self", globalThis);
  defineOperation("queueMicrotask", function queueMicrotask(callback: unknown): void {
    if (typeof callback !== "function") {
      throw new SafeTypeError(`Cannot call queueMicrotask: the callback must be a function, not ${typeof callback}`);
    }
    void promiseThen(settled, () => guard(callback, []));
  });
}
