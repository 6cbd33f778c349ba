import { isControl, type AudioData, type ContentKind, type StreamElement } from "./elements/element.ts";
import type { Stage } from "./stage.ts";
import { refuseWrong } from "../shared/wrong-option.ts";

/** The stages that an element goes to: none drops it. */
export type RouteFunction = (element: StreamElement) => string | readonly string[] | undefined;

export interface RouterOptions {
  /** Where elements go that are routed nowhere; default nowhere: they are dropped. */
  otherwise?: string;
  /** A number from 0 up to 1, for weighted and random routes; default `Math.random`. */
  random?: () => number;
}

/**
 * Hands each element to the connected stages that `route` names; signals go to all. A stage that is named has to be
 * connected: what is known ahead is checked when the pipeline is built.
 *
 * @example
 * const byLength = router("by-length", (element) => (element.kind === "text" && element.text.length > 80 ? "long" : "short"));
 */
export function router(name: string, route: RouteFunction, options: RouterOptions = {}): Stage {
  const { otherwise } = checked(name, options);
  return createRouter(name, otherwise === undefined ? [] : [otherwise], () => (element) => {
    const to = route(element) ?? [];
    const names = typeof to === "string" ? [to] : to;
    return names.length === 0 && otherwise !== undefined ? [otherwise] : names;
  });
}

/** One rule of a {@link contentRouter}. */
export interface RouteRule {
  to: string;
  when: (element: StreamElement) => boolean;
}

/** A rule for elements that satisfy a condition. */
export function routeWhen(to: string, when: (element: StreamElement) => boolean): RouteRule {
  return { to, when };
}

/** A rule for elements of one kind; "any" for all. */
export function routeContent(to: string, kind: ContentKind | "any"): RouteRule {
  return { to, when: (element) => kind === "any" || element.kind === kind };
}

/** A rule for audio of one format. */
export function routeAudio(to: string, format: AudioData["format"]): RouteRule {
  return { to, when: (element) => element.kind === "audio" && element.audio.format === format };
}

/** Hands each element to the stage of the first rule that fits. */
export function contentRouter(name: string, rules: readonly RouteRule[], options: RouterOptions = {}): Stage {
  const { otherwise } = checked(name, options);
  const destinations = [...rules.map(({ to }) => to), ...(otherwise === undefined ? [] : [otherwise])];
  return createRouter(name, destinations, () => (element) => {
    const to = rules.find(({ when }) => when(element))?.to ?? otherwise;
    return to === undefined ? [] : [to];
  });
}

/** Hands elements to the stages one after the other, round and round. */
export function roundRobinRouter(name: string, to: readonly string[]): Stage {
  requireDestinations(name, to);
  return createRouter(name, to, () => {
    let next = 0;
    return () => [to[next++ % to.length]!];
  });
}

/** Hands each element to one stage, by chance, each as often as its weight says. */
export function weightedRouter(
  name: string,
  weights: Readonly<Record<string, number>>,
  options: RouterOptions = {},
): Stage {
  const { random = Math.random } = checked(name, options);
  const entries = Object.entries(weights);
  requireDestinations(name, Object.keys(weights));
  const sum = entries.reduce((total, [, weight]) => total + weight, 0);
  if (!entries.every(([, weight]) => weight >= 0) || !(sum > 0 && sum < Infinity)) {
    throw new RangeError(`Cannot route in stage "${name}": weights must be numbers from 0, and one of them above it`);
  }
  return createRouter(name, Object.keys(weights), () => () => {
    let left = random() * sum;
    const found = entries.find(([, weight]) => (left -= weight) < 0);
    // Rounding may leave a trace behind the last.
    return [(found ?? entries.findLast(([, weight]) => weight > 0)!)[0]];
  });
}

/** Hands each element to one stage, by chance, all alike. */
export function randomRouter(name: string, to: readonly string[], options?: RouterOptions): Stage {
  return weightedRouter(name, Object.fromEntries(to.map((each) => [each, 1])), options);
}

/** Hands elements with the same key to the same stage. */
export function hashRouter(name: string, to: readonly string[], key: (element: StreamElement) => unknown): Stage {
  requireDestinations(name, to);
  return createRouter(name, to, () => (element) => [to[hashOf(String(key(element))) % to.length]!]);
}

/** Hands each element to every stage that it is connected to, whatever they accept. */
export function broadcastRouter(name: string): Stage {
  return createRouter(name, [], (outputs) => () => outputs);
}

/** Takes what several stages give and hands it on; `metadata.mergeInputIndex` says by which it came, from 0. */
export { passthrough as merge } from "./basic-stages.ts";

type Choose = (element: StreamElement) => readonly string[];

function createRouter(
  name: string,
  destinations: readonly string[],
  begin: (outputs: readonly string[]) => Choose,
): Stage {
  return {
    name,
    type: "transform",
    destinations: [...new Set(destinations)],
    async process(input, output, { outputs }) {
      const choose = begin(outputs);
      for await (const element of input) {
        if (isControl(element)) await output.write(element);
        else {
          const to = choose(element);
          if (to.length > 0) await output.write(element, { to });
        }
      }
    },
  };
}

function requireDestinations(name: string, to: readonly string[]): void {
  if (to.length === 0) throw new RangeError(`Cannot route in stage "${name}": there is no stage to route to`);
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // The low bits alone would follow those of the last character.
  return (hash ^ (hash >>> 15)) >>> 0;
}

function checked(name: string, options: RouterOptions): RouterOptions {
  refuseWrong(`make stage "${name}"`, options, { otherwise: true, random: true });
  return options;
}
