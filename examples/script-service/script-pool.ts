import { EnginePool, setupDefaults, setupTools, type CallContext, type Vm } from "geppetto-js";
import { z } from "zod";
import type { Tenant } from "./tenants.ts";

/** What a script's calls know of the request that it came with. */
export interface Caller {
  tenant: Tenant;
  onToolCall(): void;
}

/** Notes that tenants keep; a real service has a database. */
const notes = new Map<string, string[]>();

async function setupNotes(vm: Vm): Promise<void> {
  await vm.op("notes.all", ({ tenant }) => notes.get(tenant) ?? [], { context: true });
  await vm.op(
    "notes.add",
    ({ tenant }, text: unknown) => {
      notes.set(tenant, [...(notes.get(tenant) ?? []), z.string().max(1_000).parse(text)]);
    },
    { context: true },
  );
}

/** The pool in which the scripts of all tenants run. */
export function createScriptPool({ size, wallMs }: { size: number; wallMs: number }): EnginePool {
  return new EnginePool({
    size,
    limits: { memoryMB: 64, wallMs },
    quota: { waiting: 10 },
    setup: [
      setupTools({
        whoami: { description: "Says whose script it is", run: (_, { tenant }) => `you are ${tenant}` },
      }),
      setupDefaults({
        chat: { provider: "embedded", model: "demo" },
        onApprove: ({ name }, call) => {
          const { tenant, onToolCall } = (call as CallContext<Caller>).context;
          onToolCall();
          return tenant.tools.includes(name);
        },
      }),
      setupNotes,
    ],
  });
}
