const LABEL = "[demo]";
const GREETING = `${LABEL} Hello! I am a demo model, not an LLM`;
const MAX_SENTENCES = 2;
const MAX_QUOTE = 120;
const STOP_WORDS = new Set(
  "a an and are as at be been but by can could did do does for from had has have how i if in into is it its me my of on or our please should so tell than that the their them then there these they this to was we were what when where which who why will with would you your".split(
    " ",
  ),
);

export interface DemoLine {
  role: string;
  text: string;
}

/**
 * An answer made of the conversation's own sentences: those that share most words with what was asked last, in the
 * order in which they were said. Where none shares any, a greeting that says what was asked. `question` is the last
 * user message without its orders.
 */
export function composeDemoAnswer(lines: readonly DemoLine[], question: string): string {
  const asked = sentencesOf(question);
  const focus = asked.findLast((sentence) => sentence.endsWith("?")) ?? asked.at(-1) ?? "";
  const lastUser = lines.findLastIndex(({ role }) => role === "user");
  const earlier = lines.filter((_, index) => index !== lastUser).flatMap(({ text }) => sentencesOf(unlabelled(text)));
  const candidates = [...new Set([...earlier, ...asked])].filter(
    (sentence) => sentence !== focus && !sentence.endsWith("?"),
  );
  const wanted = wordsOf(focus);
  const best = candidates
    .map((sentence, position) => ({ sentence, position, score: overlap(wanted, wordsOf(sentence)) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.position - b.position)
    .slice(0, MAX_SENTENCES)
    .sort((a, b) => a.position - b.position);
  if (best.length > 0) return `${LABEL} ${best.map(({ sentence }) => sentence).join(" ")}`;
  if (focus === "") return `${GREETING}, and was asked nothing yet.`;
  return `${GREETING}, and know only this conversation. You said: ${shorten(focus)}`;
}

export function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+|\n+/)
    .map((sentence) => sentence.replace(/\s+/g, " ").trim())
    .filter((sentence) => sentence !== "");
}

/** The text without its label; of a greeting nothing, for it says nothing that the user has not said. */
function unlabelled(text: string): string {
  if (text.startsWith(GREETING)) return "";
  return text.startsWith(LABEL) ? text.slice(LABEL.length) : text;
}

function wordsOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return new Set(words.filter((word) => !STOP_WORDS.has(word)).map((word) => word.replace(/(?<=...)s$/, "")));
}

/** Shared words, with long sentences held back a little. */
function overlap(wanted: Set<string>, offered: Set<string>): number {
  const shared = [...wanted].filter((word) => offered.has(word)).length;
  return offered.size === 0 ? 0 : shared / Math.sqrt(offered.size);
}

function shorten(text: string): string {
  return text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE - 1).toWellFormed()}…` : text;
}
