import type { ConsumerMessages } from "@nats-io/jetstream";
import type { NatsLink } from "./nats-link.ts";
import type { StreamNames } from "./stream-names.ts";

/**
 * Hears of changes of executions that somebody watches: of all messages that they are sent, and of the logs of those that this
 * process does not write itself.
 */
export class ChangeWatch {
  readonly #link: NatsLink;
  readonly #names: StreamNames;
  readonly #onChange: (id: string) => void;
  readonly #isOwn: (id: string) => boolean;
  readonly #logs = new Map<string, ConsumerMessages | undefined>();
  #box: Promise<void> | undefined;
  #boxMessages: ConsumerMessages | undefined;

  constructor(
    link: NatsLink,
    names: StreamNames,
    { onChange, isOwn }: { onChange: (id: string) => void; isOwn: (id: string) => boolean },
  ) {
    this.#link = link;
    this.#names = names;
    this.#onChange = onChange;
    this.#isOwn = isOwn;
  }

  watch(id: string): void {
    this.#box ??= this.#open(this.#names.box, this.#names.told("*", "*")).then((messages) => {
      this.#boxMessages = messages;
      // What came before it was open has been heard of by nobody.
      for (const watched of this.#logs.keys()) this.#onChange(watched);
    });
    this.#box.catch(() => (this.#box = undefined));
    if (this.#logs.has(id)) return;
    this.#logs.set(id, undefined);
    if (!this.#isOwn(id)) void this.#watchLog(id);
  }

  unwatch(id: string): void {
    this.#logs.get(id)?.stop();
    this.#logs.delete(id);
  }

  /** This process does not write it any more. */
  letGo(id: string): void {
    if (this.#logs.has(id) && this.#logs.get(id) === undefined) void this.#watchLog(id);
  }

  isWatched(id: string): boolean {
    return this.#logs.has(id);
  }

  /** The connection was lost for a while, and what was listened with may be gone. */
  reopen(): void {
    this.#boxMessages?.stop();
    this.#boxMessages = undefined;
    this.#box = undefined;
    const watched = new Map(this.#logs);
    this.#logs.clear();
    for (const [id, messages] of watched) {
      messages?.stop();
      this.watch(id);
      this.#onChange(id);
    }
  }

  /** News are lost with the server of a cluster that brought them, without a word to who is connected to another one. */
  lookAgain(): void {
    for (const id of this.#logs.keys()) this.#onChange(id);
  }

  close(): void {
    this.#boxMessages?.stop();
    for (const messages of this.#logs.values()) messages?.stop();
    this.#logs.clear();
  }

  async #watchLog(id: string): Promise<void> {
    try {
      const messages = await this.#open(this.#names.logs, this.#names.log(id));
      if (this.#logs.has(id) && this.#logs.get(id) === undefined) this.#logs.set(id, messages);
      else messages.stop();
    } catch {
      // Whoever reads it hears why.
    }
    if (this.#logs.has(id)) this.#onChange(id);
  }

  /** Tells of what comes from now on; texts are not sent. */
  async #open(stream: string, filter: string): Promise<ConsumerMessages> {
    const consumer = await this.#link.ask(() =>
      this.#link.client.consumers.get(stream, { filter_subjects: filter, deliver_policy: "new", headers_only: true }),
    );
    return consumer.consume({
      callback: ({ subject }) => {
        const id = this.#names.idOf(subject);
        if (this.#logs.has(id)) this.#onChange(id);
      },
    });
  }
}
