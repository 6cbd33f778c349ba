import type { JournalSink } from "../../journal/journal-record.ts";
import type { HostBridge, Realm, RealmFactory } from "../../sandbox/realm.ts";
import type { Frame } from "../../shared/frames.ts";

/**
 * Makes realms whose wall is watched: a journal hears of each entry and of each call with its answer, in the order in
 * which they cross.
 *
 * @param isOpen whether what the guest tells has an effect at this moment
 */
export function recordRealm(create: RealmFactory, journal: JournalSink, isOpen: () => boolean): RealmFactory {
  return async (bridge, limits) => {
    const realm = await create(recordBridge(bridge, journal, isOpen), limits);
    return recordEntries(realm, journal);
  };
}

function recordBridge(bridge: HostBridge, journal: JournalSink, isOpen: () => boolean): HostBridge {
  let wasOpen = true;
  /** Notes a change of the gate, where there was one. */
  const watchGate = (): void => {
    if (isOpen() === wasOpen) return;
    wasOpen = !wasOpen;
    journal.gate(wasOpen);
  };
  return {
    call(text) {
      watchGate();
      const answer = bridge.call(text);
      journal.call(text, answer);
      return answer;
    },
    note(text) {
      watchGate();
      journal.note(text);
      bridge.note(text);
    },
    async callBlocking(text): Promise<Frame> {
      watchGate();
      journal.wait(text);
      const answer = await bridge.callBlocking(text);
      journal.answer(answer);
      return answer;
    },
  };
}

/** A realm whose entries are noted. It is the realm itself: whoever holds it sets and reads its fields. */
function recordEntries(realm: Realm, journal: JournalSink): Realm {
  const invoke = realm.invoke.bind(realm);
  const run = realm.run.bind(realm);
  return Object.assign(realm, {
    invoke: ((frame, options) => {
      journal.entry(frame);
      return invoke(frame, options);
    }) satisfies Realm["invoke"],
    run: ((source, options) => {
      journal.run(source);
      return run(source, options);
    }) satisfies Realm["run"],
  });
}
