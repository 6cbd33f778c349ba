/** Realms on their own: no engine, a stub bridge that records what the guest asks and answers just enough. */
import { randomBytes } from "node:crypto";
import { encodeValue } from "../../src/shared/codec.ts";
import type { FeatureName } from "../../src/shared/contract/features.ts";
import { FRAMES, type FrameKind } from "../../src/shared/contract/frame-kinds.ts";
import { appOp } from "../../src/shared/contract/op.ts";
import { OPS } from "../../src/shared/contract/ops.ts";
import { decodeValue } from "../../src/shared/decode.ts";
import { FRAME_VERSION, type ErrorRecord, type Outcome, type Frame } from "../../src/shared/frames.ts";
import { ProcessRealm } from "../../src/sandbox/process-realm.ts";
import type { EntryOptions, Realm, HostBridge, RealmFailure, RealmFactory, Source } from "../../src/sandbox/realm.ts";
import { runtimeText } from "../../src/sandbox/runtime-text.ts";
import { ThreadRealm } from "../../src/sandbox/thread-realm.ts";

export const REALMS: { name: string; create: RealmFactory }[] = [
  {
    name: "ThreadRealm",
    create: (bridge, limits) => ThreadRealm.create(bridge, limits, { runtime: runtimeText() }),
  },
  { name: "ProcessRealm", create: (bridge, limits) => ProcessRealm.create(bridge, limits) },
];

/** Realms that tell the end of each turn in its place. */
export const ORDERLY_REALMS: typeof REALMS = [
  REALMS[0]!,
  {
    name: "an orderly ProcessRealm",
    create: (bridge, limits) => ProcessRealm.create(bridge, limits, { isOrderly: true }),
  },
];

const FEATURES: FeatureName[] = ["timers", "web", "console", "process", "done", "conversation", "embeddings", "chat"];

/**
 * The bridge of one realm. Scripts find `note(…values)`, whose arguments end up in {@link notes}, and `wait(name)`,
 * which blocks until the test resolves it.
 */
export class StubBridge implements HostBridge {
  readonly notes: unknown[] = [];
  /** What came as uncaught over the bridge. */
  readonly uncaught: ErrorRecord[] = [];
  /** Ids of the timers that the guest has started. */
  readonly timers: number[] = [];
  readonly settled = new Map<number, { value?: unknown; error?: ErrorRecord }>();
  /** What `wait` answers; by default it never does. */
  serveBlocking: () => Promise<Frame> = () => new Promise(() => {});
  /** How many calls the guest has waited for, and how many blocking ones it waits for or has waited for. */
  answered = 0;
  blocked = 0;

  call(frame: string): string {
    this.answered++;
    return this.#answer(frame);
  }

  note(frame: string): void {
    this.#answer(frame);
  }

  #answer(frame: string): string {
    const [, op, args] = decodeValue(frame) as [number, string, unknown];
    return encodeValue({ ok: true, value: this.#serve(op, args) } satisfies Outcome);
  }

  callBlocking(): Promise<Frame> {
    this.blocked++;
    return this.serveBlocking();
  }

  #serve(op: string, args: unknown): unknown {
    const fields = args as Record<string, unknown>;
    switch (op) {
      case appOp("note", "sync").name:
        return void this.notes.push(...(args as unknown[]));
      case OPS.error_report.name:
        return void this.uncaught.push(args as ErrorRecord);
      case OPS.timer_start.name:
        return void this.timers.push(fields["id"] as number);
      case OPS.script_settle.name:
        return void this.settled.set(fields["token"] as number, fields);
      case OPS.random_bytes.name:
        return randomBytes(fields["count"] as number).toString("hex");
      case OPS.url_parse.name:
        return null;
      default:
        return undefined;
    }
  }
}

let token = 1;

/** A realm with every feature installed. Close it with `await using`. */
export class RealmFixture implements AsyncDisposable {
  readonly bridge: StubBridge = new StubBridge();
  readonly realm: Realm;

  private constructor(realm: Realm, bridge: StubBridge) {
    this.realm = realm;
    this.bridge = bridge;
  }

  static async create(create: RealmFactory): Promise<RealmFixture> {
    const bridge = new StubBridge();
    const fixture = new RealmFixture(await create(bridge, { memoryMB: 64 }), bridge);
    for (const feature of FEATURES)
      await fixture.enter(FRAMES.feature_install, feature, { colors: { stdout: false, stderr: false } });
    await fixture.enter(FRAMES.feature_install, "binding", { name: "note", mode: "sync" });
    await fixture.enter(FRAMES.feature_install, "binding", { name: "wait", mode: "blocking" });
    return fixture;
  }

  /** Delivers one frame. */
  enter<Body extends readonly unknown[]>({ name }: FrameKind<Body>, ...body: Body): Promise<RealmFailure | undefined> {
    return this.realm.invoke({ text: encodeValue([FRAME_VERSION, name, ...body]) });
  }

  /** Runs source text up to its first wait; classic unless `source` says otherwise. */
  run(code: string, source: Partial<Source> = {}, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    const defaults = { filename: "file:///script.js", kind: "classic", lineOffset: 0, token: token++ } as const;
    return this.realm.run({ ...defaults, code, ...source }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.realm.dispose();
    // V8 ends an isolate on a thread of its own; a test process that exits before that can crash.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
