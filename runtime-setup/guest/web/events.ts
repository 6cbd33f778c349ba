import { ObjectDefineProperty } from "../../../src/shared/primordials.ts";
import { AbortController, AbortSignal } from "./abort.ts";
import { defineClass } from "./define-class.ts";
import { installDomException } from "./dom-exception.ts";
import { CustomEvent, MessageEvent } from "./custom-events.ts";
import { Event } from "./event.ts";
import { EventTarget } from "./event-target.ts";

/** Defines Event with its kinds, EventTarget, DOMException, AbortController and AbortSignal. */
export function installEvents(): void {
  installDomException();
  defineClass("Event", Event, { lengths: { constructor: 1, initEvent: 1 } });
  const constants = ["NONE", "CAPTURING_PHASE", "AT_TARGET", "BUBBLING_PHASE"];
  for (let i = 0; i < constants.length; i++) {
    const fixed = { __proto__: null, value: i, writable: false, enumerable: true, configurable: false };
    ObjectDefineProperty(Event, constants[i]!, fixed as PropertyDescriptor);
  }
  ObjectDefineProperty(Event.prototype, "isTrusted", { __proto__: null, configurable: false } as PropertyDescriptor);
  defineClass("CustomEvent", CustomEvent, { lengths: { constructor: 1 } });
  defineClass("MessageEvent", MessageEvent, { lengths: { constructor: 1 } });
  defineClass("EventTarget", EventTarget, { lengths: { addEventListener: 2, removeEventListener: 2 } });
  defineClass("AbortController", AbortController, { lengths: { abort: 0 } });
  // As in Node, which does not enumerate these.
  defineClass("AbortSignal", AbortSignal, {
    lengths: { constructor: 0, abort: 0 },
    hidden: ["reason", "throwIfAborted"],
  });
}
