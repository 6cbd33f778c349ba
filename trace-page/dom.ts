type Child = Node | string | undefined | false;

interface Attributes {
  class?: string;
  id?: string;
  role?: string;
  title?: string;
  type?: string;
  href?: string;
  tabindex?: string;
  onclick?: () => void;
  [aria: `aria-${string}`]: string | undefined;
  [data: `data-${string}`]: string | undefined;
}

/** An element. Texts become text nodes: nothing of a run's is ever read as markup. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (typeof value === "function") element.addEventListener("click", value as () => void);
    else element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- whoever asks knows what stands there
export function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** Does some work with the next frame, once for each, however often it is asked for in between. */
export function oncePerFrame(work: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      work();
    });
  };
}

// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const HIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** The text with what nobody would see written out: a mark of direction would turn the rest of a line around. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A block of text as it was written; long ones scroll, by keyboard as well. */
export function textBlock(text: string, label: string): HTMLElement {
  return h("pre", { tabindex: "0", role: "group", "aria-label": label }, visible(text));
}
