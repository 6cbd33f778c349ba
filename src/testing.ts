/** For tests of scripts, and of host apps, with any test runner. */
export { ScriptedChat, type ScriptedTurn, type ScriptedTurnSource } from "./providers/embedded/scripted-chat.ts";
export { expectGolden, type ExpectGoldenOptions } from "./testing/library/expect-golden.ts";
export { runScript, type RunScriptOptions, type ScriptResult } from "./testing/library/run-script.ts";
export { VirtualClock } from "./testing/library/virtual-clock.ts";
