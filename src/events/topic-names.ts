const NAME = /^[^\s*>.]+(?:\.[^\s*>.]+)*$/;
const PATTERN = /^(?:[^\s*>.]+\.)*\*$/;

/** Is it a pattern, as "step.*" is, and not a name? */
export function isPattern(topic: string): boolean {
  return topic.endsWith("*");
}

/** The pattern that fits a name: the name with "*" for its last part. */
export function patternOf(name: string): string {
  return `${name.slice(0, name.lastIndexOf(".") + 1)}*`;
}

/**
 * Parts joined by dots, no part empty, with white space, "*" or ">".
 *
 * @throws {TypeError} naming the topic.
 */
export function checkTopicName(topic: string): void {
  if (!NAME.test(topic))
    throw new TypeError(
      `Cannot publish to topic "${topic}": a name must be parts joined by dots, without spaces, * and >`,
    );
}

/** @throws {TypeError} when it is neither a name nor a pattern. */
export function checkTopic(topic: string): void {
  if (NAME.test(topic) || PATTERN.test(topic)) return;
  throw new TypeError(
    `Cannot subscribe to topic "${topic}": it must be a name like "step.a", or a prefix and * like "step.*"`,
  );
}
