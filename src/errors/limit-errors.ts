import { EXIT } from "./exit-codes.ts";
import type { ErrorEntry } from "./error-entry.ts";

/** What a script may use of time, memory and everything else that is counted. */
export const limitErrors = {
  ERR_LIMIT: {
    name: "LimitError",
    meaning: "A bound that has no code of its own, for example the number of embedding models in one engine.",
    advice: "The message says what was counted and how much is allowed.",
    exit: EXIT.limit,
  },
  ERR_THRESHOLD: {
    name: "LimitError",
    meaning: "The script has done its work, and something that was measured of it is not as its thresholds want it.",
    advice: "The message says what was measured. Mend the script, or change `thresholds` where it was set.",
    exit: EXIT.uncaught,
  },
  ERR_LIMIT_WALL: {
    name: "LimitError",
    meaning: "The script ran longer than it may. The report says what it was waiting for.",
    advice: "Raise `--timeout`; in a host app `limits.wallMs`.",
    exit: EXIT.time,
  },
  ERR_LIMIT_TURN: {
    name: "LimitError",
    meaning: "One turn (the work between two events of the script) took longer than it may.",
    advice: "Split the work with an `await`, or raise `limits.turnMs` in the host app.",
    exit: EXIT.time,
  },
  ERR_LIMIT_CPU: {
    name: "LimitError",
    meaning: "The script computed longer than it may. Waiting does not count.",
    advice: "Raise `--cpu`; in a host app `limits.cpuMs`.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_MEMORY: {
    name: "LimitError",
    meaning: "The script used more memory than it may.",
    advice: "Raise `--memory`; in a host app `limits.memoryMB`.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_OUTPUT: {
    name: "LimitError",
    meaning: "The script printed more than it may.",
    advice: "Print less, or raise `limits.outputBytes` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_TOOL_CALLS: {
    name: "LimitError",
    meaning: "Code that was given to a code tool called more functions of `tools` than one run may. It can catch this.",
    advice: "Do more with each call, or raise `perRun.maxToolCalls` of the tool.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_TIMERS: {
    name: "LimitError",
    meaning: "Too many timers are pending. The script can catch this and go on.",
    advice: "Clear timers, or raise `limits.timers` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_RUNS: {
    name: "LimitError",
    meaning: "Too many runs of steps are under way. The script can catch this and go on.",
    advice: "Use `steps.createParallelStep`, which bounds them, or raise `limits.runs` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_OPS: {
    name: "LimitError",
    meaning: "Too many calls to the host are pending. The script can catch this and go on.",
    advice: "Await some of them first, or raise `limits.ops` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_FETCHES: {
    name: "LimitError",
    meaning: "Too many requests of `fetch` are under way, or their answers are not read. The script can catch this.",
    advice: "Read answers to their end or cancel them, or raise `limits.fetches` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_FETCH_TIME: {
    name: "LimitError",
    meaning: "A request of `fetch`, with its answer, took longer than it may. The script can catch this and go on.",
    advice: "Ask for less at a time, or raise `limits.fetchMs` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_RESPONSE: {
    name: "LimitError",
    meaning: "A server answered `fetch` with more than one answer may hold, once it is unpacked.",
    advice: "Ask for less at a time, or raise `limits.responseBytes` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_ARGUMENTS: {
    name: "LimitError",
    meaning: "The arguments of pending calls and runs are too long together. The script can catch this and go on.",
    advice: "Await some of them first, or raise `limits.argumentChars` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_RESULTS: {
    name: "LimitError",
    meaning: "The results of runs under way need more memory of the host than they may.",
    advice: "Do less at a time, or raise `limits.resultBytes` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_EVENTS: {
    name: "LimitError",
    meaning: "The runs of one script had more events than they may.",
    advice: "Raise `limits.events` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_USES: {
    name: "LimitError",
    meaning: "The script used permissions, granted or denied, more often than it may.",
    advice: "Raise `limits.uses` in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_MESSAGE: {
    name: "LimitError",
    meaning: "One value is too long to be copied between script and host. The script can catch this and go on.",
    advice: "Send less at a time.",
    exit: EXIT.uncaught,
  },
  ERR_LIMIT_IMAGES: {
    name: "LimitError",
    meaning: "The images of one script are larger than 256 MB together.",
    advice: "Use fewer or smaller images.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_IMPORT: {
    name: "LimitError",
    meaning: "A module that the script imports is too large, or all of them together are.",
    advice: "Import less, or import a smaller build of the package.",
    exit: EXIT.load,
  },
  ERR_LIMIT_CALLS: {
    name: "LimitError",
    meaning: "The script made as many requests to models as it may.",
    advice: "Raise `--max-calls`; in a host app `maxCalls` of its `Budget`.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_TOKENS: {
    name: "LimitError",
    meaning: "The requests to models used as many tokens as they may.",
    advice: "Raise `--max-tokens`; in a host app `maxTokens` of its `Budget`.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_COST: {
    name: "LimitError",
    meaning: "The requests to models cost as much as they may.",
    advice: "Raise `--max-cost`; in a host app `maxCost` of its `Budget`.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_TOOL_ROUNDS: {
    name: "LimitError",
    meaning: "The model still called tools after `maxToolRounds` rounds.",
    advice: "Raise `maxToolRounds` (default 20), or tell the model when to stop.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_CONTEXT: {
    name: "LimitError",
    meaning: "What has to be sent to the model has more tokens, as they are estimated, than `context.maxTokens`.",
    advice:
      "Raise `context.maxTokens` to what the model takes, less its answer; shorten the last message, the results of tools or the tools' descriptions.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_SUB_SCRIPTS: {
    name: "LimitError",
    meaning:
      "A sub-script (`runScript` in a script) cannot begin: those that run have the memory, those before it have used the CPU time, there were too many, or it is too deep within others.",
    advice:
      "Wait for one of them, give each less with `limits`, or raise the limits of the script (`limits.subScripts` for their number) in the host app.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_TOOL_ATTEMPTS: {
    name: "LimitError",
    meaning: "`hooks.afterTool` asked for one call of a tool to be made again more than ten times.",
    advice: "Let the hook look at `attempt`, and take the result as it is when there were enough.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_TOOL_REPEATS: {
    name: "LimitError",
    meaning: "The model called the same tool with the same input three times.",
    advice: "Let the tool's result say why a further call gives nothing new.",
    exit: EXIT.limit,
  },
  ERR_LIMIT_QUEUE: {
    name: "LimitError",
    meaning: "Too many scripts of one tenant wait in an `EnginePool`.",
    advice: "Refuse the request (HTTP 429), or raise `quota.waiting`.",
  },
} satisfies Record<string, ErrorEntry>;
