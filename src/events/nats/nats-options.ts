import type { NodeConnectionOptions } from "@nats-io/transport-node";
import type { Logger } from "../../base/logger.ts";
import type { FieldsOf } from "../../shared/wrong-option.ts";
import type { SubscribeOptions } from "../bus.ts";

export interface JetStreamOptions {
  /** The stream that keeps the messages; made where there is none. Default "GEPPETTO". */
  stream?: string;
  /** Where a stream that is made keeps them; default "file". */
  storage?: "file" | "memory";
  /** How long a stream that is made keeps a message; default a day. */
  maxAgeMs?: number;
  /** How much a stream that is made keeps; default 1 GB, the oldest message goes first. */
  maxBytes?: number;
  /** How long a message may stay unacked before it comes again; default 30,000. */
  ackWaitMs?: number;
  /** How long a message that was published twice with one uuid, by a stream that is made, counts once; default 120,000. */
  duplicateWindowMs?: number;
}

export const STREAM_FIELDS: FieldsOf<JetStreamOptions> = {
  stream: true,
  storage: true,
  maxAgeMs: "amount",
  maxBytes: "count",
  ackWaitMs: "milliseconds",
  duplicateWindowMs: "amount",
};

export interface NatsPubSubOptions {
  /** "host:port", or several; default "127.0.0.1:4222". */
  servers?: string | string[];
  /** What every subject begins with: topic "step.a" is subject "geppetto.step.a". Default "geppetto". */
  prefix?: string;
  /** Messages are kept and acked by JetStream; default false: plain subjects, at most once. */
  jetStream?: boolean | JetStreamOptions;
  /** How long a message is tried to be published, a lost connection included; default 30,000. */
  publishTimeoutMs?: number;
  /** The pause between two attempts to connect again; default 250. */
  reconnectWaitMs?: number;
  /** Whatever else the NATS client takes: credentials, TLS, a name. */
  connection?: Partial<NodeConnectionOptions>;
  logger?: Logger;
}

export const BUS_FIELDS: FieldsOf<NatsPubSubOptions> = {
  servers: true,
  prefix: true,
  jetStream: true,
  publishTimeoutMs: "amount",
  reconnectWaitMs: "milliseconds",
  connection: true,
  logger: true,
};

export interface NatsSubscribeOptions extends SubscribeOptions {
  /**
   * Subscriptions of one group, in whatever processes, share the messages of a topic. With JetStream a group is durable:
   * it goes on where it was, and gets what was published while none of it was there. Letters, digits, "-" and "_".
   */
  group?: string;
  /** For plain subjects: most messages that wait here for room in the window; more are dropped, and logged. Default 10,000. */
  maxBuffered?: number;
}
