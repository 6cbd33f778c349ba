const util = require("util/");

const [ESCAPE, ESCAPE_C1, BELL] = String.fromCharCode(0x1b, 0x9b, 0x07);
const TITLE = `(?:(?:;[-\\w/#&.:=?%@~]+)*)?${BELL}`;
const MOVE = "(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PR-TZcf-nq-uy=><~]";
/** Sequences that colour a terminal, or move in it. */
const SEQUENCES = new RegExp(`[${ESCAPE}${ESCAPE_C1}][[\\]()#;?]*(?:${TITLE}|${MOVE})`, "g");

module.exports = {
  ...util,
  TextEncoder,
  TextDecoder,
  stripVTControlCharacters: (text) => String(text).replace(SEQUENCES, ""),
  styleText: (_, text) => String(text),
  toUSVString: (text) => String(text).toWellFormed(),
  isDeepStrictEqual(actual, expected) {
    try {
      require("assert").deepStrictEqual(actual, expected);
      return true;
    } catch {
      return false;
    }
  },
  aborted: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
};
