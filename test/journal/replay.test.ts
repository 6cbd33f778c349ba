import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { play, record } from "./journal-fixture.ts";

describe.each(ISOLATIONS)("a journal (%s)", (isolation) => {
  it("replays what a script printed", async () => {
    const script = `
      console.log(crypto.randomUUID(), performance.now(), Date.now(), Math.random(), new Date().getTimezoneOffset());
      for (const start = Date.now(); Date.now() - start < 20; ) ;
      console.log(new Date().toISOString(), new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "full" }).format());
      const order = [];
      await Promise.all(Array.from({ length: 10 }, (_, i) => chat("echo: " + i).then((text) => order.push(text))));
      console.log(order.join(" "));
      setTimeout(() => console.log("timer"), 5);
      const race = await Promise.any([chat("echo: one"), chat("echo: two")]);
      console.log(race);
      for await (const event of chat.startAsync ? [] : []) console.log(event);
      const model = await embeddings.generateAsync?.("hello");
      console.log(model?.length);
      console.error("to stderr");
      throw new TypeError("the end");`;
    const { output, journal, outcome } = await record(script, { isolation });
    expect(outcome.error?.message).toBe("the end");
    const again = await play(journal);
    expect([again.out, again.err]).toEqual([output.out, output.err]);
    expect(journal.end).toEqual({ exitCode: 0 });
  });
});
