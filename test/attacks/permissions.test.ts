import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { IMAGE_REFERENCE } from "../../src/shared/chat-messages.ts";
import { png } from "../images/sample-images.ts";
import { describeAttacks, type Attack } from "./attack.ts";

const MAKE_PIPE = "mkfifo";
const WALL = "ERR_LIMIT_WALL";
const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "attacks-")));
const open = join(root, "open");
let swapping: NodeJS.Timeout;

/** Scripts may read `open/`, where an accomplice of theirs changes where a link leads. */
beforeAll(() => {
  for (const name of ["open/inner", "shut"]) fs.mkdirSync(join(root, name), { recursive: true });
  fs.writeFileSync(join(open, "a.png"), png());
  // Told from the other by its length.
  fs.writeFileSync(join(root, "shut/secret.png"), png(1000));
  fs.writeFileSync(join(open, "huge.png"), png());
  fs.truncateSync(join(open, "huge.png"), 2 ** 40);
  fs.symlinkSync("../shut/secret.png", join(open, "out.png"));
  fs.symlinkSync("/proc/self/environ", join(open, "environ.png"));
  fs.symlinkSync("/dev/zero", join(open, "zero.png"));
  fs.symlinkSync("../shut", join(open, "up"));
  fs.symlinkSync("loop.png", join(open, "loop.png"));
  fs.writeFileSync(join(open, "own.js"), 'export const it = "own";');
  fs.writeFileSync(join(root, "shut/secret.js"), 'export default "the secret";');
  fs.symlinkSync("../shut/secret.js", join(open, "out.js"));
  fs.linkSync(join(open, "huge.png"), join(open, "huge.js"));
  for (const name of ["pipe.png", "pipe.js"]) execFileSync(MAKE_PIPE, [join(open, name)]);
  let turn = 0;
  swapping = setInterval(() => {
    fs.rmSync(join(open, "next.png"), { force: true });
    fs.symlinkSync(turn++ % 2 === 0 ? "../shut/secret.png" : "a.png", join(open, "next.png"));
    fs.renameSync(join(open, "next.png"), join(open, "swapped.png"));
  }, 1);
});
afterAll(() => {
  clearInterval(swapping);
  fs.rmSync(root, { recursive: true });
});

const ADD = `const add = (source) => { try { const c = new Conversation(); c.addMessageWithImage("user", "x", source); const { imageURL } = c.getMessages()[0].images[0]; return imageURL.length > 1000 ? "the secret" : imageURL.slice(0, 4) === "data" ? "added" : imageURL; } catch (error) { return error.name; } };
const all = (sources) => [...new Set(sources.map(add))];`;

/** A script that gives each of the sources, and what must come of all of them. */
function adds(name: string, sources: string, value: readonly string[] = ["PermissionError"]): Attack {
  return { name, code: `${ADD} done(all(${sources}));`, ends: "done", value };
}

const FILES: Attack[] = [
  {
    name: "reads what it may",
    code: `${ADD} done(all(["a.png", "./inner/../a.png"]));`,
    ends: "done",
    value: ["added"],
  },
  adds("climbs out of its folder", `Array.from({ length: 40 }, (_, i) => "../".repeat(i + 1) + "shut/secret.png")`),
  adds(
    "climbs out in disguise",
    `["%2e%2e/shut/secret.png", "..%2fshut/secret.png", "..\\\\shut\\\\secret.png", "....//shut/secret.png", "..;/shut/secret.png", "\\u002e\\u002e/shut/secret.png", "．．/shut/secret.png", "..\\u2215shut\\u2215secret.png", "~/secret.png", "$PWD/../shut/secret.png", "inner/./.././../shut/secret.png", "file:../shut/secret.png", "file:///etc/passwd", "../shut/secret.png\\0.png", "a.png/../../shut/secret.png", "C:\\\\secret.png", "\\\\\\\\host\\\\share\\\\x.png"]`,
  ),
  adds(
    "follows links that lead out",
    `["out.png", "up/secret.png", "up/../shut/secret.png", "loop.png", "environ.png", "zero.png"]`,
  ),
  adds(
    "asks for the system's own files",
    `["/proc/self/environ", "/proc/self/cmdline", "/proc/self/mem", "/proc/self/maps", "/proc/1/environ", "/proc/kcore", "/dev/zero", "/dev/random", "/dev/stdin", "/dev/stdout", "/dev/tty", "/dev/ptmx", "/dev/fd/0", "/sys/kernel/notes", "/etc/shadow", "/etc/passwd"]`,
  ),
  {
    ...adds("asks for all that the host has open", `Array.from({ length: 300 }, (_, i) => "/proc/self/fd/" + i)`),
    // What another script reads is open, and in a folder that may be read.
    alone: true,
  },
  adds(
    "asks for its folder by way of /proc",
    `["/proc/self/cwd/package.json", "/proc/self/root/etc/passwd", "/proc/thread-self/environ"]`,
  ),
  adds("opens a pipe that nobody writes to, again and again", `Array(300).fill("pipe.png")`),
  adds("reads a file of a terabyte", `Array(50).fill("huge.png")`, ["ConversationError"]),
  adds("asks for folders", `[".", "./", "inner", "/", "..", "up"]`),
  adds("gives names that are too long", `["x".repeat(300), "x/".repeat(5000), "x".repeat(15e6)]`),
  adds("gives names that are no text", `["\\ud800", "\\uffff", "\\u202egnp.a", "\\u0000", " "]`),
  {
    name: "waits for the moment at which a link is changed",
    code: `${ADD} for (let i = 0; i < 100; i++) if (add("swapped.png") === "the secret") done("the secret"); done("nothing");`,
    ends: "done",
    value: "nothing",
  },
  {
    name: "gives what is no string, or another one each time",
    code: `${ADD} let n = 0; const sly = () => n++ ? "../shut/secret.png" : "a.png";
      done(all([new String("a.png"), { toString: sly }, { [Symbol.toPrimitive]: sly }, { valueOf: sly }, ["a.png"], new URL("https://example.com/x"), new Uint8Array([97]), 3, null, undefined, 10n, { href: "file:///etc/passwd", protocol: "file:" }, new Proxy({}, { get: () => sly })]));`,
    ends: "done",
    value: ["ConversationError"],
  },
  {
    name: "changes what a text is before it asks",
    code: `${ADD} String.prototype.includes = () => false; String.prototype.startsWith = () => true; RegExp.prototype.test = () => true; RegExp.prototype.exec = () => null; Array.prototype.some = () => true; Array.prototype.find = function () { return this[0]; }; Object.prototype.granted = true; Object.prototype.read = true; Object.prototype.rule = "mine";
      done(add("../shut/secret.png"));`,
    ends: "done",
    value: "PermissionError",
  },
  {
    name: "draws on the terminal through what it asks for",
    code: `let message; try { new Conversation().addMessageWithImage("user", "x", "../\\u001b[2J\\u0007\\r\\n\\u202e\\u2028$(id)\`id\`.png"); } catch (error) { message = error.message; } done(/[\\p{Cc}\\p{Cf}\\u2028]/u.test(message) || !message.includes("'--allow-read="));`,
    ends: "done",
    value: false,
  },
  {
    name: "asks without end and catches the refusal",
    code: `${ADD} for (;;) if (add("../x.png") === "LimitError") done("LimitError");`,
    ends: ["done", WALL],
  },
  {
    name: "asks without end",
    code: `for (;;) new Conversation().addMessageWithImage("user", "x", "https://example.com/");`,
    ends: ["uncaught LimitError", WALL],
  },
];

/** Hosts that are this machine, its network or its cloud's. */
const HOSTS =
  "127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 017700000001 0 0.0.0.0 localhost localhost. localhost.. LOCALHOST x.localhost [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:a9fe:a9fe] 169.254.169.254 2852039166 0xa9fea9fe [fd00::1] [fd00:ec2::254] [fe80::1] [64:ff9b::7f00:1] [2002:7f00:1::] 10.0.0.1 192.168.0.1 172.16.0.1 100.100.100.200 168.63.129.16 metadata metadata.google.internal printer nas.local db.internal ⓛocalhost ①②⑦.⓪.⓪.① 127。0。0。1 %6c%6f%63%61%6c%68%6f%73%74".split(
    " ",
  );

const NET: Attack[] = [
  {
    name: "names public hosts, and the one that is allowed",
    code: `${ADD} done(all(["https://example.com/a", "http://allowed.example/b"]));`,
    ends: "done",
    value: ["https://example.com/a", "http://allowed.example/b"],
  },
  adds(
    "names hosts that are not public",
    JSON.stringify(HOSTS.flatMap((host) => [`https://${host}/`, `http://${host}:8080/x`])),
  ),
  adds(
    "hides where a URL leads",
    `["https://example.com@127.0.0.1/", "https://allowed.example:x@127.0.0.1/", "https:\\\\\\\\127.0.0.1\\\\", "https:127.0.0.1", "https:///127.0.0.1", "https://127.0.0.1#@example.com", "https://127.0.0.1?@example.com", "ht\\ttps://127.0.0.1/", "https://127.0.\\n0.1/", "https://127.0.0.1\\\\@example.com/", "http://allowed.example.evil.example/", "http://notallowed.example/", "http://allowed.example@evil.example/", "HTTP://EVIL.example/"]`,
  ),
  adds(
    "gives URLs that are none",
    `["https://", "https://[::1", "https://exa mple/", "https://a..b:99999999/", "data:image/png,x", "data:image/svg+xml;base64,PHN2Zy8+", "data:text/html;base64,PHA+", "data:image/png;base64,", "data:"]`,
    ["ConversationError"],
  ),
  adds(
    "names schemes of its own",
    `["ftp://example.com/x.png", "javascript:1", "blob:x", "gopher://127.0.0.1/", "ws://127.0.0.1/", "unix:/run/x.sock", "node:fs", "view-source:https://127.0.0.1"]`,
  ),
];

/** Sends a message that holds this URL, made by hand, in each way that there is. */
const SEND = `const send = async (url) => { const names = new Set(); const step = new ChatStepFactory().newStep();
  const c = new Conversation(); c.append({ role: "user", text: "x", images: [{ imageURL: url, imageName: "", mediaType: "", detail: "" }] });
  for (const input of [c, c.toJSON(), { messages: [{ role: "user", content: [{ type: "image", url }] }] }, { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }] }]) {
    try { await step.startAsync(input); names.add("sent"); } catch (error) { names.add(error.name); } }
  return [...names].join(); };`;

const MESSAGES: Attack[] = [
  {
    name: "writes URLs of private hosts into messages",
    code: `${SEND} const told = new Set(); for (const host of ${JSON.stringify(HOSTS.slice(0, 24))}) told.add(await send("https://" + host + "/")); done([...told]);`,
    ends: "done",
    value: ["PermissionError"],
  },
  {
    name: "writes paths and other URLs into messages",
    code: `${SEND} const told = new Set(); for (const url of ["a.png", "../shut/secret.png", "/etc/passwd", "file:///etc/passwd", "ftp://example.com/", " https://127.0.0.1/"]) told.add(await send(url)); done([...told]);`,
    ends: "done",
    value: ["ValidationError"],
  },
  {
    name: "forges references to images",
    code: `${SEND} const told = new Set(); const own = ${JSON.stringify(IMAGE_REFERENCE)};
      for (const id of ["", "0", crypto.randomUUID(), "00000000-0000-4000-8000-000000000000", "__proto__", "constructor", "../shut/secret.png"]) told.add(await send(own + id)); done([...told]);`,
    ends: "done",
    value: ["ValidationError"],
  },
];

const ENV: Attack[] = [
  {
    name: "looks for variables that it was not given",
    code: `const { env } = process; const found = [];
      for (const name of ["GEPPETTO_CANARY", "PATH", "HOME", "OPENAI_API_KEY"]) for (const from of [env, Object.getPrototypeOf(env) ?? {}, globalThis, Object.prototype, process]) if (name in from) found.push(name);
      done([found, Object.getPrototypeOf(env), Object.keys(env), typeof env.constructor, typeof env.__proto__, typeof env.toString]);`,
    ends: "done",
    value: [[], null, [], "undefined", "undefined", "undefined"],
  },
  {
    name: "changes the prototype that variables might have",
    code: `Object.prototype.GEPPETTO_CANARY = "mine"; process.env.__proto__ = { x: 1 }; Object.setPrototypeOf(process.env, { PATH: 1 }); process.env = { HOME: "mine" };
      done(new Conversation().getMessages().length);`,
    ends: "done",
    value: 0,
  },
];

/** Sources of imports, each of which must keep the script from loading. */
const IMPORTED = [
  "../shut/secret.js",
  "./inner/../../shut/secret.js",
  "./out.js",
  "./up/secret.js",
  "/etc/passwd",
  "/proc/self/environ",
  "/dev/zero",
  "/dev/fd/0",
  "./pipe.js",
  "./huge.js",
  "./a.png",
  ".",
  "..",
  "",
  "node:fs",
  "fs",
  "node:child_process",
  "esbuild",
  "file:///etc/passwd",
  "data:text/javascript,export default 1",
  "https://127.0.0.1/x.js",
  "%2e%2e/shut/secret.js",
  "..\\\\shut\\\\secret.js",
  "./\\0",
  "#internal",
  "@/x",
  "geppetto:runtime",
  "hooks",
  "script",
  "module:/etc/passwd",
];

const IMPORTS: Attack[] = [
  { name: "imports what it may", code: `import { it } from "./own.js"; done(it);`, ends: "done", value: "own" },
  ...IMPORTED.map((source): Attack => ({
    name: `imports ${JSON.stringify(source)}`,
    code: `import it from "${source}"; done(it);`,
    ends: "load",
  })),
  {
    name: "imports what it makes up while it runs",
    code: `import "./own.js"; const told = []; for (const name of ["../shut/secret.js", "node:fs", "./own.js", "script", "/etc/passwd"]) try { await import(name); told.push(name); } catch {} done(told);`,
    ends: "done",
    value: [],
  },
  {
    name: "asks for what bundlers and Node have",
    code: `import "./own.js"; const told = []; for (const name of ["fs", "node:fs", "./own.js", "/etc/passwd"]) try { require(name); told.push(name); } catch {} done([told, typeof module, typeof exports, typeof __dirname, typeof __filename, typeof define, Object.keys(import.meta)]);`,
    ends: "done",
    value: [[], "undefined", "undefined", "undefined", "undefined", "undefined", ["url"]],
  },
  {
    name: "makes stacks of its own where modules have theirs",
    code: `import "./own.js"; const e = new Error("x"); Error.prepareStackTrace = () => "file:///script.js:1:99999999999 file:///script.js:-1:1 file:///script.js:1e9:1"; e.stack; delete Error.prepareStackTrace; Object.defineProperty(Error, "stackTraceLimit", { value: 1e9 }); const f = (n) => { if (n > 0) f(n - 1); else throw new Error("deep"); }; try { f(5000); } catch (error) { done(error.stack.length > 0); }`,
    ends: "done",
    value: true,
  },
];

const ERRORS: Attack[] = [
  {
    name: "throws a denial on as its host's word",
    code: `new Conversation().addMessageWithImage("user", "x", "../shut/secret.png");`,
    ends: "uncaught PermissionError",
    fromHost: true,
  },
  {
    name: "puts other words into a denial and throws it on",
    code: `try { new Conversation().addMessageWithImage("user", "x", "../shut/secret.png"); } catch (error) { error.message = "run this with --allow-read=/"; throw error; }`,
    ends: "uncaught PermissionError",
    // It is shown in the host's words.
    fromHost: true,
  },
  {
    name: "makes a denial of its own",
    code: `throw Object.assign(new Error("file access denied: x; allow it with --allow-read=/"), { name: "PermissionError", code: "ERR_PERMISSION" });`,
    ends: "uncaught PermissionError",
    fromHost: false,
  },
];

describeAttacks("permissions", [...FILES, ...NET, ...MESSAGES, ...ENV, ...IMPORTS, ...ERRORS], {
  permissions: { read: [open], net: ["allowed.example"], env: ["PERMITTED_BUT_UNSET"] },
  folder: open,
});
