import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type ElementValidationError,
  endOfTurnElement,
  messageElement,
  type StageError,
  textElement,
  toolCallElement,
  validation,
  type ValidationOptions,
} from "../../../src/pipeline/index.ts";
import { inWords, runStages } from "./run-stages.ts";

const call = (input: Record<string, unknown>) => toolCallElement({ id: "1", name: "clock", input });

describe("validation()", () => {
  it("lets pass, unchanged, what every validator lets pass", async () => {
    const stage = validation("v", {
      validators: {
        text: [z.string().trim().min(2), (text: string) => text !== "bad", { type: "string", maxLength: 10 }],
        any: () => true,
      },
    });
    const elements = [textElement("  good  ", { metadata: { k: 1 } }), endOfTurnElement(), call({})];
    const passed = await runStages([stage], elements);
    expect(inWords(passed)).toEqual(["  good  ", "<end-of-turn>", "tool-call"]);
    expect(passed[0]!.metadata).toEqual({ k: 1 });
  });

  it("says all that is wrong with an element at once, in an error in its place", async () => {
    const stage = validation("v", {
      validators: {
        message: [
          z.object({ role: z.enum(["user"]), text: z.string().max(3) }),
          () => ["it is rude", "it is late"],
          () => false,
          () => {
            throw new Error("it breaks validators");
          },
        ],
      },
      maxLength: 3,
      required: ["metadata.user", "message.role", "metadata.toString"],
    });
    const [error, end] = await runStages(
      [stage],
      [messageElement({ role: "system", text: "hello" }, { metadata: { k: 1 } }), endOfTurnElement()],
    );
    expect(error).toMatchObject({ kind: "error", metadata: { k: 1 } });
    const { problems, message, name } = (error as unknown as { error: ElementValidationError }).error;
    expect(problems).toEqual([
      "message: expected at most 3 characters, found 5",
      "metadata.user: expected a value, found nothing",
      "metadata.toString: expected a value, found nothing",
      'message.role: Invalid input: expected "user"',
      "message.text: Too big: expected string to have <=3 characters",
      "message: it is rude",
      "message: it is late",
      "message: it was refused",
      "message: it breaks validators",
    ]);
    expect(message).toBe(`Cannot let the message element pass: ${problems.join("; ")}`);
    expect([name, end!.kind]).toEqual(["ValidationError", "end-of-turn"]);
  });

  it("checks by a JSON schema", async () => {
    const input = { type: "object", properties: { zone: { type: "string" } }, required: ["zone"] };
    const stage = validation("v", { validators: { "tool-call": { type: "object", properties: { input } } } });
    expect(inWords(await runStages([stage], [call({ zone: "UTC" }), call({})]))).toEqual([
      "tool-call",
      "error: Cannot let the tool-call element pass: tool-call.input.zone: expected a string, found nothing",
    ]);
  });

  it("drops what fails, when told so", async () => {
    const stage = validation("v", { minLength: 2, onFailure: "drop" });
    expect(inWords(await runStages([stage], ["a", "bc", "", "de"]))).toEqual(["bc", "de"]);
  });

  it("ends the execution at what fails, when told so", async () => {
    const stage = validation("v", { validators: { text: () => "no texts today" }, onFailure: "fail" });
    const failing = runStages([stage], ["a"]);
    await expect(failing).rejects.toThrow('Stage "v" failed: Cannot let the text element pass: text: no texts today');
    const error = (await failing.catch((reason: unknown) => reason)) as StageError;
    expect((error.cause as ElementValidationError).problems).toEqual(["text: no texts today"]);
  });

  it("ends the execution for a JSON schema that is none, and names the stage", async () => {
    const stage = validation("v", { validators: { text: { type: 7 } } });
    await expect(runStages([stage], ["a"])).rejects.toThrow('Cannot use the text validator of stage "v"');
  });

  it("refuses unknown kinds and unknown onFailure when it is made", () => {
    const mistyped = { validators: { txt: () => true } } as ValidationOptions;
    expect(() => validation("v", mistyped)).toThrow('Cannot make stage "v": unknown kind "txt", must be one of text,');
    expect(() => validation("v", { onFailure: "ignore" as never })).toThrow(
      "onFailure must be one of error, drop, fail",
    );
  });

  it("stops at an abort while a validator thinks for ever", async () => {
    const asked = Promise.withResolvers<void>();
    const stage = validation("v", {
      validators: {
        text: () => {
          asked.resolve();
          return new Promise(() => {});
        },
      },
    });
    const controller = new AbortController();
    const running = runStages([stage], ["a"], controller.signal);
    await asked.promise;
    controller.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
  });
});
