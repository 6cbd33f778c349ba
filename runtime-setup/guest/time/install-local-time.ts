import type { LocalTimeConfig } from "../../../src/shared/contract/features.ts";
import { installDate } from "./date.ts";
import { installIntl } from "./intl.ts";
import { LocalTime } from "./local-time.ts";

/** Gives the realm a language and a time zone that are not those of the process that it lives in. */
export function installLocalTime({ locale, timeZone }: LocalTimeConfig): void {
  installDate(new LocalTime(timeZone), timeZone);
  installIntl(locale, timeZone);
}
