/**
 * The time zone and the language of this process. Asked of what V8 knows at once: a DateTimeFormat takes 30 ms to make the
 * first time.
 *
 * @returns for example `{ timeZone: "Europe/Berlin", locale: "de-AT" }`
 */
export function hostLocal(): { timeZone: string; locale: string } {
  const { locale } = new Intl.PluralRules().resolvedOptions();
  // Node 24 has no Temporal. A zone that is not known is UTC.
  const { Temporal: temporal } = globalThis as { Temporal?: { Now: { timeZoneId(): string } } };
  const timeZone = temporal?.Now.timeZoneId() ?? new Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
  return { timeZone, locale };
}
