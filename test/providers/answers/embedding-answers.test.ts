import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEmbeddingProvider } from "../../../src/providers/create-embedding-provider.ts";
import { type AnswerServer, JSON_TYPE, startAnswerServer } from "./answer-server.ts";

let server: AnswerServer;
beforeAll(async () => {
  server = await startAnswerServer();
});
afterAll(() => server.close());

/** The vectors for two texts. */
async function embed(body: string): Promise<number[][]> {
  server.play({ headers: JSON_TYPE, body });
  const settings = { provider: "openai", baseURL: `${server.origin}/v1`, apiKey: "k", model: "m" };
  const provider = createEmbeddingProvider({ ...settings, retry: { attempts: 1 } }, { env: {} });
  const vectors = await provider.embed(["a", "b"], { signal: new AbortController().signal });
  return vectors.map((vector) => [...vector]);
}

const data = (...items: [index: unknown, embedding: string][]): string =>
  `{"data":[${items.map(([index, embedding]) => `{"index":${String(index)},"embedding":${embedding}}`).join()}]}`;

describe("embeddings", () => {
  it.each([
    ["in order", data([0, "[1,2]"], [1, "[3,4]"])],
    ["in another order", data([1, "[3,4]"], [0, "[1,2]"])],
    ["without numbers", '{"data":[{"embedding":[1,2]},{"embedding":[3,4]}]}'],
  ])("that come %s are found", async (_, body) => {
    expect(await embed(body)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it.each([
    ["a number that JSON can write and nothing can hold", data([0, "[1,1e999]"], [1, "[3,4]"]), "too large"],
    ["a number that no float can hold", data([0, "[1,1e300]"], [1, "[3,4]"]), "too large"],
    ["null", data([0, "[1,null]"], [1, "[3,4]"]), "not a list of numbers"],
    ["nothing", data([0, "[]"], [1, "[]"]), "not a list of numbers"],
    ["other lengths", data([0, "[1,2]"], [1, "[3]"]), "1 numbers: 2 were expected"],
    ["the same place twice", data([0, "[1,2]"], [0, "[3,4]"]), "not numbered in order"],
    ["another place", data([-1, "[1,2]"], [0.5, "[3,4]"]), "not numbered in order"],
    ["too few", data([0, "[1,2]"]), "holds 1 embeddings: 2 were asked for"],
    ["no data", '{"data":null}', "holds no embeddings"],
    ["half a document", data([0, "[1,2]"], [1, "[3,4]"]).slice(0, -9), "not JSON, or breaks off"],
  ])("with %s are an error that says so", async (_, body, told) => {
    await expect(embed(body)).rejects.toMatchObject({
      code: "ERR_PROVIDER_STREAM",
      isTransient: true,
      message: expect.stringContaining(told) as string,
    });
  });
});
