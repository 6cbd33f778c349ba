/** What travels beside a payload: short texts under short names, for example `correlation_id`. */
export type MessageMetadata = Readonly<Record<string, string>>;

/**
 * A message under way to one subscription. It is under way until it is acked or the subscription closes.
 *
 * `ack`, `nack` and `working` may be taken off the message and called alone. The first of ack and nack counts; what is
 * called after it, or after the subscription has closed, does nothing.
 */
export interface Message<T = unknown> {
  /** The same for every subscription that gets the message, and for every delivery of it. */
  readonly uuid: string;
  /** The name that it was published to, where the subscription is to a pattern too. */
  readonly topic: string;
  readonly metadata: MessageMetadata;
  /** In memory the very value that was published: treat it as read-only. Over a network a copy, made of JSON. */
  readonly payload: T;
  /** 1 for the first delivery to this subscription, one more for each redelivery. */
  readonly deliveries: number;
  /** Aborted when the subscription closes: what is done with the message then is for nobody. */
  readonly signal: AbortSignal;
  /** It has been dealt with: it frees its room in the window and never comes again. */
  readonly ack: () => void;
  /**
   * It could not be dealt with: the subscription gets it again, at once or after a pause in milliseconds. It keeps its
   * room in the window meanwhile. It comes before what was published after it and has not been delivered.
   */
  readonly nack: (delayMs?: number) => void;
  /** It is being dealt with still: puts off the redelivery of an implementation with a deadline for acks. */
  readonly working: () => void;
}

/** The key in the metadata of a message that came over a network and is not JSON; its value says why. */
export const UNDECODABLE = "undecodable";

export const NO_METADATA: MessageMetadata = Object.freeze({});

/** The key in a message's metadata of its place among those of its topic or publisher, from 0. */
export const SEQUENCE_NUMBER = "sequence_number";
