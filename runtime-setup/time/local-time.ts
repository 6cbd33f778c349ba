import { GeppettoError } from "../../src/shared/errors.ts";
import { hostLocal } from "../../src/base/time/host-local.ts";
import { parseDeterministic } from "../../src/engine/time/deterministic.ts";
import type { EngineOptions, SetupFunction } from "../../src/engine/engine.ts";

/** What scripts write dates and numbers in, wherever they run. */
const LOCALE = "en-US";

/**
 * The time zone that the options ask for.
 *
 * @throws {GeppettoError} ConfigError for a zone that is not known.
 */
export function timeZoneOf({ deterministic, timeZone: own = "UTC" }: EngineOptions): string {
  const timeZone = parseDeterministic(deterministic)?.timeZone ?? own;
  if (timeZone === "UTC") return timeZone;
  try {
    return new Intl.DateTimeFormat(LOCALE, { timeZone }).resolvedOptions().timeZone;
  } catch {
    throw new GeppettoError(
      "ConfigError",
      `Cannot use the time zone ${JSON.stringify(timeZone)}: it must be UTC or a name such as "Europe/Berlin"`,
    );
  }
}

/**
 * The same local time in every kind of isolation. A process of the guest's own has it from its start; in a thread of this
 * process, whose time zone and language are this one's, the guest computes it where it is another.
 *
 * @param timeZone as `timeZoneOf` returns it
 */
export function setupLocalTime(isolation: EngineOptions["isolation"], timeZone: string): SetupFunction {
  return function localTime(vm) {
    if (isolation !== "thread") return;
    const own = hostLocal();
    if (own.timeZone !== timeZone || own.locale !== LOCALE)
      vm.host.later(vm.install("localTime", { locale: LOCALE, timeZone }));
  };
}
