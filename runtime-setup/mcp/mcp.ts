import { isDeepStrictEqual } from "node:util";
import { callWith, type CallContext } from "../../src/base/call-context.ts";
import { askOutside } from "../../src/base/calls/outside.ts";
import { callBack } from "../../src/base/calls/call-back.ts";
import { stderrLogger } from "../../src/base/logger.ts";
import type { SetupFunction } from "../../src/engine/engine.ts";
import { parseFields } from "../../src/engine/guest-messages.ts";
import { ConnectedServers } from "../../src/mcp/connected-servers.ts";
import type { AnswerElicitation, ElicitationAnswer, McpElicitation } from "../../src/mcp/elicitation.ts";
import { unknownServer } from "../../src/mcp/mcp-error.ts";
import type { McpSource } from "../../src/mcp/mcp-source.ts";
import { type McpServer, readServers, withNames } from "../../src/mcp/server-settings.ts";
import { cutText } from "../../src/mcp/untrusted-text.ts";
import { OPS } from "../../src/shared/contract/ops.ts";
import { MCP_STEP } from "../../src/shared/contract/runs.ts";
import { GeppettoError, toErrorRecord } from "../../src/shared/errors.ts";
import { refuseWrong, type FieldsOf } from "../../src/shared/wrong-option.ts";
import type { ApproveCall } from "../../src/steps/chat-tools.ts";
import { McpConnections } from "./mcp-connections.ts";
import { McpService } from "./mcp-service.ts";

export interface McpSettings {
  /** The servers that scripts may use where the permission `mcp` names them, by their names. */
  servers?: Readonly<Record<string, McpServer>>;
  /**
   * "engine" (default): each engine has its servers for itself. "tenant": the engines of one named tenant, such as those of
   * an `EnginePool` that got this same setup function, have them together.
   */
  share?: "engine" | "tenant";
  /** How long shared servers are kept when no engine uses them, in milliseconds; default 30,000. */
  idleMs?: number;
  /**
   * Hears of each line that a server writes to its stderr, and, with `isLost`, why a server has ended by itself or cannot be
   * started. The texts are fit to be shown. Default: this process's stderr.
   */
  onServerOutput?: OnServerOutput;
  /**
   * Asked before each call of a tool, whoever makes it: the script, or a model by its chat. False refuses the call. Where the
   * execution lasts, it may ask with `engine.askApproval()`. Default: all calls are made.
   */
  onApprove?: ApproveCall;
  /**
   * Answers what a server asks of the user while it works; what it rejects with is told to the host, and to the server that
   * the user has not answered. Default: servers are told that they cannot ask.
   */
  onElicit?: (asked: McpElicitation, call: CallContext) => ElicitationAnswer | Promise<ElicitationAnswer>;
  /** Put around what asks servers, for example to record their answers or to give recorded ones. */
  wrapMcp?: (source: McpSource) => McpSource;
}

export type OnServerOutput = (server: string, text: string, about: { isLost: boolean }) => void;

/** What {@link setupMcp} gives: `close` ends all servers, also those that are shared and wait for the next script. */
export interface McpSetup extends AsyncDisposable {
  (...given: Parameters<SetupFunction>): void | Promise<void>;
  close(): Promise<void>;
}

const FIELDS: FieldsOf<McpSettings> = {
  servers: true,
  share: true,
  idleMs: "milliseconds",
  onServerOutput: true,
  onApprove: true,
  onElicit: true,
  wrapMcp: true,
};
const DEFAULT_IDLE_MS = 30_000;
/** Longest name of a tool that is told as what answers, in characters. */
const MAX_SHOWN = 200;

/** What is told of a call before it has begun: which tool answers. */
function metaFor(input: unknown): { engine: string } {
  const { server, tool } = parseFields(input);
  return { engine: cutText(`${String(server)}.${String(tool)}`, MAX_SHOWN) };
}

/**
 * `mcp.SERVER.TOOL(args)` for scripts: the tools of MCP servers. A server is started when a script first needs it, and
 * ends with the engine. Which ones scripts may use is decided by the engine's permission `mcp`; none, where that is not
 * given.
 *
 * @throws {GeppettoError} ConfigError that names a server which cannot be given.
 */
export function setupMcp(settings: McpSettings = {}): McpSetup {
  refuseWrong("give scripts MCP servers", settings, FIELDS);
  const { servers = {}, share = "engine", idleMs = DEFAULT_IDLE_MS, onServerOutput, onApprove, onElicit } = settings;
  const { wrapMcp = (source) => source } = settings;
  const known = readServers(servers);
  if (share !== "engine" && share !== "tenant") {
    throw new GeppettoError("ConfigError", `Cannot give scripts MCP servers: share must be "engine" or "tenant"`);
  }
  const onOutput = onServerOutput ?? ((server, text) => stderrLogger.warn(`mcp ${server}: ${text}`));
  const onLost = (name: string, reason: string): void => callBack(() => onOutput(name, reason, { isLost: true }));
  const connections = new McpConnections({
    host: {
      onOutput: (name, line) => callBack(() => onOutput(name, line, { isLost: false })),
      onLost,
      onElicit: onElicit && answering(onElicit, onLost),
    },
    isShared: share === "tenant",
    idleMs,
  });
  const setup: SetupFunction = function mcp(vm, engine) {
    const source = wrapMcp(
      new ConnectedServers({
        servers: known.values(),
        connect: (server) => connections.connect(server, engine, callWith().tenant),
        owner: engine,
        onUnsearched: onLost,
      }),
    );
    const servers = withNames(source.servers, source.isRecorded === true ? engine.permissions.mcpNames : []);
    const service = new McpService(engine, { source, servers, onApprove });
    vm.host.registerStep(MCP_STEP, {
      info: { type: "mcp", inputType: "object", outputType: "unknown", kind: "single" },
      metaFor,
      run: (input, context) => service.call(input, context),
    });
    vm.host.setOp(OPS.mcp_list, (args, { signal }) => service.list(args, signal));
    vm.host.setOp(OPS.mcp_read, (args, { signal }) => service.read(args, signal));
    vm.host.setOp(OPS.mcp_prompt, (args, { signal }) => service.prompt(args, signal));
    vm.host.setOp(OPS.mcp_search, (args, { signal }) => service.search(args, signal));
    vm.host.setOp(OPS.mcp_describe, (args, { signal }) => service.describe(args, signal));
    engine.onClose(() => connections.release(engine));
    const identifiers = servers.map(({ identifier }) => identifier);
    vm.host.setOp(OPS.mcp_refuse, (args) => {
      throw unknownServer(String(parseFields(args)["name"]), identifiers);
    });
    vm.host.later(vm.install("mcp", { servers: identifiers }));
  };
  const close = (): Promise<void> => connections.close();
  return Object.assign(setup, { close, [Symbol.asyncDispose]: close });
}

/** The host's answers; a hook that fails has given none. An execution that lasts keeps them, and asks nobody the same twice. */
function answering(
  onElicit: NonNullable<McpSettings["onElicit"]>,
  onFailed: (server: string, reason: string) => void,
): AnswerElicitation {
  return async (asked, signal) => {
    const ask = async (): Promise<[McpElicitation, ElicitationAnswer]> => {
      try {
        return [asked, await onElicit(asked, callWith(signal))];
      } catch (error) {
        onFailed(asked.server, `onElicit failed: ${toErrorRecord(error).message}`);
        return [asked, { action: "cancel" }];
      }
    };
    for (;;) {
      const [then, answer] = await askOutside({ name: "onElicit", effect: "none", signal }, ask);
      // Where the call is made again, its server may ask something else.
      if (isDeepStrictEqual(then, asked)) return answer;
    }
  };
}
