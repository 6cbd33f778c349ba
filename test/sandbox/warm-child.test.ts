import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Child } from "../../src/sandbox/child.ts";
import { TenantChildren } from "../../src/sandbox/child-shelf.ts";
import { ProcessRealm } from "../../src/sandbox/process-realm.ts";
import { patience } from "../machine/patience.ts";
import { spawned } from "./fake-children.ts";
import { StubBridge } from "./realm-fixture.ts";

vi.mock(import("../../src/sandbox/child.ts"), async (original) => ({
  ...(await original()),
  takeChild: (await import("./fake-children.ts")).takeFakeChild,
}));

const TURN = { text: "[1]" };

function isAlive({ process: { exitCode, signalCode } }: Child): boolean {
  return exitCode === null && signalCode === null;
}

async function serve(children: TenantChildren, tenant: string): Promise<ProcessRealm> {
  const realm = await ProcessRealm.create(new StubBridge(), { memoryMB: 64 }, { shelf: children.of(tenant) });
  expect(await realm.invoke(TURN)).toBeUndefined();
  return realm;
}

describe("a child that is kept for its tenant", () => {
  beforeEach(() => {
    spawned.lie = "";
    spawned.children = [];
  });

  it("serves the tenant's next realm, and no other tenant's", async () => {
    const children = new TenantChildren(4);
    const realm = await serve(children, "anna");
    realm.dispose();
    expect(realm.disposed).toBe(true);
    expect(await realm.invoke(TURN)).toEqual({ kind: "disposed" });
    const other = await serve(children, "ben");
    expect(spawned.children).toHaveLength(2);
    const next = await serve(children, "anna");
    expect(spawned.children).toHaveLength(2);
    other.dispose();
    next.dispose();
    children.close();
    await expect.poll(() => spawned.children.some(isAlive)).toBe(false);
  });

  it("is ended when more are kept than there is room for, and when they are kept no longer", async () => {
    const children = new TenantChildren(1);
    const [one, other] = [await serve(children, "anna"), await serve(children, "ben")];
    one.dispose();
    other.dispose();
    await expect.poll(() => spawned.children.map(isAlive)).toEqual([false, true]);
    children.close();
    await expect.poll(() => spawned.children.some(isAlive)).toBe(false);
    const late = await serve(children, "anna");
    late.dispose();
    await expect.poll(() => spawned.children.some(isAlive)).toBe(false);
  });

  it("is not kept while a turn goes on", async () => {
    spawned.lie = "notes after its turn";
    const children = new TenantChildren(1);
    const realm = await ProcessRealm.create(new StubBridge(), { memoryMB: 64 }, { shelf: children.of("anna") });
    const turn = realm.invoke(TURN);
    realm.dispose();
    expect(await turn).toEqual({ kind: "disposed" });
    await expect.poll(() => spawned.children.some(isAlive)).toBe(false);
  });

  it.each([
    "a note between two realms",
    "a second realm that is ready twice",
    "the closing of its talk between two realms",
    "an exit between two realms",
  ])("is ended for %s, and its tenant gets another one", async (lie) => {
    spawned.lie = lie;
    const children = new TenantChildren(1);
    (await serve(children, "anna")).dispose();
    await expect.poll(() => spawned.children.some(isAlive)).toBe(false);
    spawned.lie = "";
    const next = await serve(children, "anna");
    expect(spawned.children).toHaveLength(2);
    next.dispose();
    children.close();
  });

  it("says nothing between two realms, and holds nobody up for long", { timeout: patience(60_000) }, async () => {
    spawned.lie = "nothing between two realms";
    const children = new TenantChildren(1);
    (await serve(children, "anna")).dispose();
    spawned.lie = "";
    const next = await serve(children, "anna");
    expect(spawned.children.map(isAlive)).toEqual([false, true]);
    next.dispose();
    children.close();
  });
});
