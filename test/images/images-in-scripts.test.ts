import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ImageStore, imageStoreOf } from "../../runtime-setup/images.ts";
import { IMAGE_REFERENCE } from "../../src/shared/chat-messages.ts";
import { ScriptedChat } from "../../src/testing.ts";
import { ISOLATIONS, withEngine } from "../engine/engine-harness.ts";
import { runChat, type ChatRunResult } from "../chat/run-chat.ts";
import { startScriptedServer, type ScriptedServer } from "../chat/scripted-server.ts";
import { notingPermissions } from "../permissions/noting-permissions.ts";
import { gif, png } from "./sample-images.ts";

const MAKE_PIPE = "mkfifo";
let folder: string;
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
  folder = realpathSync(mkdtempSync(join(tmpdir(), "images-")));
  mkdirSync(join(folder, "open/inner"), { recursive: true });
  mkdirSync(join(folder, "open-not"));
  const put = (name: string, bytes: Buffer): void => writeFileSync(join(folder, name), bytes);
  put("open/a.png", png());
  put("open/named-wrong.txt", gif());
  put("open/inner/b.gif", gif());
  put("open/broken.png", png().subarray(0, 40));
  put("open/page.png", Buffer.from("<html>"));
  put("open/large.png", png(15_000_000));
  put("secret.png", png());
  put("open-not/c.png", png());
  put("open/huge.png", png());
  truncateSync(join(folder, "open/huge.png"), 20 * 1024 * 1024 + 1);
  symlinkSync(join(folder, "secret.png"), join(folder, "open/link-out.png"));
  symlinkSync("inner/b.gif", join(folder, "open/link-in.gif"));
  symlinkSync(folder, join(folder, "open/up"));
  execFileSync(MAKE_PIPE, [join(folder, "open/pipe.png")]);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function run(code: string, options: object = {}): Promise<ChatRunResult> {
  const open = join(folder, "open");
  return runChat(code, { permissions: { read: [open] }, folder: open, ...options });
}

/** Name, code and text of what adding this image throws. */
async function refusal(source: string): Promise<unknown> {
  const { value } = await run(
    `let got = "added"; try { new Conversation().addMessageWithImage("user", "x", ${source}); } catch (e) { got = [e.name, e.message]; } export default got;`,
  );
  return value;
}

describe.each(ISOLATIONS)("addMessageWithImage() (%s)", (isolation) => {
  it("is told apart by the image, not by when it was read, where answers are kept", async () => {
    server.play({ text: "One." }, { text: "Other." });
    const { value } = await run(
      `const step = steps.withCache(new ChatStepFactory().newStep());
      const answers = [];
      for (const file of ["a.png", "a.png", "named-wrong.txt"]) {
        const c = new Conversation();
        c.addMessageWithImage("user", "what?", file);
        answers.push((await step.startAsync(c))[0].text);
      }
      export default answers;`,
      { isolation, chat: server.settings },
    );
    expect(value).toEqual(["One.", "One.", "Other."]);
  });

  it("adds local images by their content, and sends them with the chat", async () => {
    server.play({ text: "Seen." });
    const { value } = await run(
      `const c = new Conversation();
      const id = c.addMessageWithImage("user", "what?", "a.png", { id: "m1", detail: "low" });
      c.AddMessageWithImage("user", "and?", "./inner/../named-wrong.txt", { metadata: { k: 1 } });
      c.addMessageWithImage("user", "and?", "https://example.com/x.webp");
      const answer = (await new ChatStepFactory().newStep().startAsync(c))[0].text;
      export default [id, answer, c.getMessages().map((m) => m.images[0]), Conversation.from(c.toJSON()).getMessages().length];`,
      { isolation, chat: server.settings },
    );
    const pngURL = `data:image/png;base64,${png().toString("base64")}`;
    expect(value).toEqual([
      "m1",
      "Seen.",
      [
        { imageURL: pngURL, imageName: "a.png", mediaType: "image/png", detail: "low" },
        expect.objectContaining({ mediaType: "image/gif", imageName: "named-wrong.txt", detail: "auto" }),
        { imageURL: "https://example.com/x.webp", imageName: "x.webp", mediaType: "image/webp", detail: "auto" },
      ],
      3,
    ]);
    expect(server.bodies[0]!.messages[0]).toEqual({
      role: "user",
      content: [
        { type: "text", text: "what?" },
        { type: "image_url", image_url: { url: pngURL, detail: "low" } },
      ],
    });
  });

  it("adds and sends an image that is larger than what crosses the wall in one frame, and copies of it", async () => {
    const chatProvider = new ScriptedChat(["Seen.", "Seen.", "Seen.", "Seen.", "Seen.", "Seen."]);
    const { error } = await run(
      `const c = new Conversation(); c.addMessageWithImage("user", "what?", "large.png");
      const step = new ChatStepFactory().newStep();
      const copies = [c, c.fork(), c.toJSON(), Conversation.from(c.toJSON()), { messages: c.getMessages() }, c.getMessages()];
      for (const copy of copies) await step.startAsync(copy);`,
      { isolation, chatProvider },
    );
    expect(error).toBeUndefined();
    const url = `data:image/png;base64,${png(15_000_000).toString("base64")}`;
    expect(chatProvider.requests).toHaveLength(6);
    for (const { messages } of chatProvider.requests) {
      const [, image] = messages[0]!.content as { url?: string }[];
      expect(image!.url === url).toBe(true);
    }
  });

  it("lets go of an image with its conversation", async () => {
    for (let i = 0; i < 8; i++) writeFileSync(join(folder, `open/photo${i}.png`), png(6_000_000 + i));
    const permissions = { read: [join(folder, "open")] };
    await withEngine({ isolation, permissions, limits: { memoryMB: 48 } }, async ({ engine }) => {
      const code = `let read = 0;
        for (; read < 8; read++) new Conversation().addMessageWithImage("user", "what?", "photo" + read + ".png");
        export default read;`;
      expect(await engine.runScript({ code, folder: join(folder, "open") })).toMatchObject({ ok: true, value: 8 });
    });
  });
});

describe("addMessageWithImage()", () => {
  it.each([
    '"../secret.png"',
    '"../missing.png"',
    '"../open-not/c.png"',
    '"link-out.png"',
    '"up/secret.png"',
    '"/etc/hostname"',
    '"/dev/zero"',
    '"/proc/self/environ"',
  ])("refuses %s with one and the same error", async (source) => {
    expect(await refusal(source)).toEqual([
      "PermissionError",
      expect.stringMatching(/^file access denied: .*--allow-read=/),
    ]);
  });

  it.each([
    ['"missing.png"', "there is no such file"],
    ['"inner/missing/missing.png"', "there is no such file"],
    ['"inner"', "it is not a regular file that can be read"],
    ['"file:///etc/hostname"', "it is not a file path"],
    ['"a.png\\0.txt"', "it is not a file path"],
    ['"."', "it is not a regular file that can be read"],
    ['"pipe.png"', "it is not a regular file that can be read"],
  ])("says of %s, where it may read, that %s", async (source, text) => {
    expect(await refusal(source)).toEqual([
      "PermissionError",
      expect.stringMatching(`^file access denied: .*${text}$`),
    ]);
  });

  it.each([
    ['"broken.png"', "unsupported image format: broken.png is a PNG that is cut off"],
    ['"page.png"', "unsupported image format: page.png is neither PNG, JPEG, WebP nor GIF"],
    ['"huge.png"', "image size exceeds 20MB limit: huge.png"],
    ['"data:text/plain;base64,AAAA"', "unsupported image format: the data: URL is neither"],
    ["5", "Cannot add the message: the image's path or URL must be"],
    ['"data:image/png;base64," + "A".repeat(17e6)', "must have at most 16700000 characters, got 17000022; a file may"],
    ['new String("a.png")', "Cannot add the message: the image's path or URL must be"],
    ['new URL("https://example.com/x.png")', "Cannot add the message: the image's path or URL must be"],
    ["new Uint8Array([97])", "Cannot add the message: the image's path or URL must be"],
    ['"a.png", { detail: "huge" }', "Cannot add the message: options.detail must be"],
    ['"a.png", { detial: "low" }', 'Cannot add the message: there is no option "detial"; did you mean "detail"?'],
  ])("refuses %s with a ConversationError", async (source, text) => {
    expect(await refusal(source)).toEqual(["ConversationError", expect.stringContaining(text)]);
  });

  it("has the host keep an image by what is in it, so that one that is added again counts once", async () => {
    await withEngine({ isolation: "thread", permissions: { read: [folder] } }, async ({ engine }) => {
      const file = JSON.stringify(join(folder, "open/a.png"));
      await engine.runOnLoop(`new Conversation().addMessageWithImage("user", "x", ${file})`);
      const reference = IMAGE_REFERENCE + createHash("sha256").update(png()).digest("hex");
      expect(imageStoreOf(engine).has(reference)).toBe(true);
    });
  });

  it("follows a link that stays inside", async () => {
    expect(await refusal('"link-in.gif"')).toBe("added");
  });

  it("reads nothing where nothing is allowed", async () => {
    const { error } = await runChat(`new Conversation().addMessageWithImage("user", "x", "a.png");`);
    expect(error).toMatchObject({ name: "PermissionError" });
    expect(error!.message).not.toContain(folder);
  });

  it.each(["http://example.com/x.png", "https://169.254.169.254/latest", "https://localhost/x.png"])(
    "cannot be gone around: %s in a message made by hand reaches no provider",
    async (url) => {
      server.play({ text: "never" });
      const { value } = await run(
        `const url = ${JSON.stringify(url)}; const names = [];
        const c = new Conversation(); c.append({ role: "user", text: "x", images: [{ imageURL: url, imageName: "", mediaType: "", detail: "" }] });
        const step = new ChatStepFactory().newStep();
        const inputs = [c, { messages: [{ role: "user", content: [{ type: "image", url }] }] }, { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }] }];
        for (const input of inputs) try { await step.startAsync(input); } catch (e) { names.push(e.name); }
        export default names;`,
        { chat: server.settings },
      );
      expect(value).toEqual(["PermissionError", "PermissionError", "PermissionError"]);
      expect(server.bodies).toHaveLength(0);
    },
  );

  it.each([
    "data:image/png;base64,!!!",
    "data:image/png;base64,aGVsbG8=",
    "data:image/png;base64,",
    "data:image/png,x",
  ])("cannot be gone around: %s is no image in messages and snapshots either", async (url) => {
    const { value } = await run(
      `const url = ${JSON.stringify(url)}; const texts = [];
        const c = new Conversation(); c.append({ role: "user", text: "x", images: [{ imageURL: url, imageName: "", mediaType: "", detail: "" }] });
        const step = new ChatStepFactory().newStep();
        for (const input of [c, c.toJSON(), { messages: [{ role: "user", content: [{ type: "image", url }] }] }])
          try { await step.startAsync(input); } catch (e) { texts.push(e.name + ": " + e.message); }
        export default texts;`,
    );
    const refused = expect.stringMatching(/^ConversationError: unsupported image format: (the|a) data: URL/);
    expect(value).toEqual([refused, refused, refused]);
  });

  it("asks for the permission that an http URL needs", async () => {
    expect(await refusal('"http://example.com/x.png"')).toEqual([
      "PermissionError",
      expect.stringContaining("--allow-net=example.com"),
    ]);
  });
});

it("an image counts once, and not at all where it is too much for one script", () => {
  const store = new ImageStore(notingPermissions({}).permissions);
  store.keep("one", "x".repeat(200_000_000));
  store.keep("one", "x".repeat(200_000_000));
  expect(() => store.keep("two", "x".repeat(100_000_000))).toThrow(
    expect.objectContaining({ code: "ERR_LIMIT_IMAGES" }),
  );
  store.keep("three", "x".repeat(50_000_000));
  expect(["one", "two", "three"].map((reference) => store.has(reference))).toEqual([true, false, true]);
});
