import { AbortController, AbortSignal } from "./abort.ts";
import { defineClass } from "./define-class.ts";
import { installDomException } from "./dom-exception.ts";
import { Event } from "./event.ts";
import { EventTarget } from "./event-target.ts";

/** Defines Event, EventTarget, DOMException, AbortController and AbortSignal. */
export function installEvents(): void {
  installDomException();
  defineClass("Event", Event);
  defineClass("EventTarget", EventTarget);
  defineClass("AbortController", AbortController);
  defineClass("AbortSignal", AbortSignal);
}
