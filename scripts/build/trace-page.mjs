// Puts the page that shows a run into one file, dist/trace-page.html: markup, style and program, with a place for the data.
// Its policy allows this very program and style, by their hashes, and nothing else.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";

export async function buildTracePage(root) {
  const folder = join(root, "trace-page");
  const { outputFiles } = await build({
    entryPoints: [join(folder, "main.ts")],
    bundle: true,
    write: false,
    format: "esm",
    target: ["chrome120", "firefox121", "safari17"],
    minify: true,
    legalComments: "none",
    logLevel: "warning",
  });
  const script = outputFiles[0].text.trimEnd();
  const { code } = await transform(readFileSync(join(folder, "page.css"), "utf8"), { loader: "css", minify: true });
  const style = code.trimEnd();
  if (/<\/script|<!--|<\/style/i.test(script + style)) throw new Error("The page's program would end its own element");
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "img-src data:",
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const parts = [
    ["{{POLICY}}", policy],
    ["<style></style>", `<style>${style}</style>`],
    ['<script type="module"></script>', `<script type="module">${script}</script>`],
    ['id="trace-data"></script>', 'id="trace-data">{{DATA}}</script>'],
  ];
  let page = readFileSync(join(folder, "page.html"), "utf8");
  for (const [place, part] of parts) {
    if (page.split(place).length !== 2) throw new Error(`page.html must hold ${place} once`);
    page = page.replace(place, () => part);
  }
  writeFileSync(join(root, "dist/trace-page.html"), page);
}

function hashOf(text) {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
