// Writes docs/errors.md from the catalogue of error codes: node scripts/write-error-docs.mjs
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format } from "oxfmt";
import { ERROR_GROUPS, EXIT_MEANINGS } from "../src/errors/error-catalogue.ts";
import { EXIT } from "../src/errors/exit-codes.ts";

const file = fileURLToPath(new URL("../docs/errors.md", import.meta.url));

const INTRODUCTION = `# Errors and exit codes

<!-- Made by scripts/write-error-docs.mjs from src/errors. Change the text there. -->

An error of geppetto-js has a \`name\`, a \`code\`, a \`message\`, and \`isTransient\`: whether the same call may succeed when it is
made again. Where there is one, it also has the HTTP \`status\` of a provider's answer and a \`cause\`. \`includes(text)\` says
whether the message contains a text. A script catches such an error like any other, and a host app finds it in
\`outcome.error\`:

\`\`\`js
try {
  await chat("error: 429");
} catch (error) {
  console.log(error.name, error.code, error.isTransient, error.status, error.includes("rate limit"));
}
\`\`\`

\`\`\`text
ProviderError ERR_RATE_LIMIT true 429 true
\`\`\`

The command line prints an error that the script did not catch on stderr, with its code in brackets, the place in the
script, and a hint where there is one. With \`--json\` the error is part of the document. The exit code follows what the host
recorded: a script that makes an error with one of these codes itself exits with 1.
`;

/** The document, formatted as the rest of the project is. */
export async function errorDocs() {
  const parts = [INTRODUCTION, "## Exit codes", table(["Exit code", "Meaning"], exitRows())];
  for (const { title, errors } of ERROR_GROUPS) {
    parts.push(`## ${title}`, table(["Code", "Name", "Exit code", "Meaning", "What to do"], errorRows(errors)));
  }
  const { code } = await format(file, parts.join("\n\n"), { printWidth: 120, proseWrap: "always" });
  return code;
}

function exitRows() {
  return Object.entries(EXIT_MEANINGS).map(([name, meaning]) => [String(EXIT[name]), meaning]);
}

function errorRows(errors) {
  return Object.entries(errors).map(([code, { name, exit, meaning, advice }]) => [
    `\`${code}\``,
    name,
    exit === undefined ? "–" : String(exit),
    meaning,
    advice,
  ]);
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file, await errorDocs());
