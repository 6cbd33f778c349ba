import { describe, expect, it } from "vitest";
import { MemoryJournal } from "../../../src/index.ts";
import { TestServer } from "../../fetch/test-server.ts";
import { attempt } from "./lasting-fixture.ts";

const code = (url: string): string => `
  const answer = await fetch("${url}/", { method: "POST", body: "x" }).catch((error) => error);
  export default answer instanceof Error
    ? answer.message
    : [answer.status, answer.ok, answer.url === "${url}/", answer.headers.get("content-type"), await answer.text(), answer.bodyUsed];`;

/** A script that has sent a request, and was killed before the answer came: what it asks. */
async function interrupted(server: TestServer, journal: MemoryJournal): Promise<void> {
  const whole = await attempt(new MemoryJournal(), code(server.url), {});
  for (let at = whole.writes; at > 0; at--) {
    await using tried = new MemoryJournal();
    await attempt(tried, code(server.url), { crash: { at, when: "after" } });
    if ((await attempt(tried, code(server.url), {})).outcome?.end !== "suspended") continue;
    await attempt(journal, code(server.url), { crash: { at, when: "after" } });
    const { outcome } = await attempt(journal, code(server.url), {});
    expect(outcome?.waitsFor).toMatchObject([{ kind: "ambiguous", name: "fetch" }]);
    return;
  }
  throw new Error("the script asks nothing, wherever it is killed");
}

const start = (): Promise<TestServer> => TestServer.start({ "/": (_, response) => void response.end("real") });

describe("a request whose answer was lost", () => {
  it.each<[string, object, unknown[]]>([
    ["a text", { status: 201, headers: { "Content-Type": "text/x" }, body: "given" }, [201, true, "text/x", "given"]],
    ["a value", { status: 200, body: { a: [1] } }, [200, true, "application/json", '{"a":[1]}']],
    ["a value of a type", { status: 200, headers: { "content-type": "a/b" }, body: 5 }, [200, true, "a/b", "5"]],
    ["an error of the server", { status: 500, body: "no" }, [500, false, null, "no"]],
    ["nothing", { status: 204, body: "left out" }, [204, true, null, ""]],
  ])("is answered with what somebody says: %s", async (_, given, [status, ok, type, text]) => {
    await using server = await start();
    await using journal = new MemoryJournal();
    await interrupted(server, journal);
    const asked = server.asked.length;
    await journal.resolve("execution", { value: given });
    const { outcome } = await attempt(journal, code(server.url), {});
    expect(outcome).toMatchObject({ ok: true, value: [status, ok, true, type, text, text !== ""] });
    expect(server.asked.length).toBe(asked);
  });

  it("is answered with nothing that a server cannot say, and goes on waiting", async () => {
    await using server = await start();
    await using journal = new MemoryJournal();
    await interrupted(server, journal);
    for (const value of [
      { x: 1 },
      "text",
      null,
      undefined,
      [200],
      { status: "200" },
      { status: 99 },
      { status: 101 },
      { status: 200.5 },
      { status: 200, headers: ["a"] },
      { status: 200, headers: { "a b": "c" } },
      { status: 200, headers: { a: "b\r\nc: d" } },
      { status: 200, headers: { a: 5 } },
      { status: 200, body: "x", bodyText: "y" },
    ])
      await expect(journal.resolve("execution", { value }), JSON.stringify(value)).rejects.toMatchObject({
        code: "ERR_EXECUTION_ANSWER",
        message: expect.stringContaining(
          'the answer to a request of fetch is to be given as { "status": 200',
        ) as string,
      });
    await journal.resolve("execution", { error: "it never came" });
    const { outcome } = await attempt(journal, code(server.url), {});
    expect(outcome).toMatchObject({ ok: true, value: "it never came" });
  });
});
