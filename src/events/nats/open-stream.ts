import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { GeppettoError } from "../../shared/errors.ts";
import { loadPackage } from "./load-package.ts";
import { ensureStream } from "./make-stream.ts";
import type { JetStreamOptions } from "./nats-options.ts";

const REQUEST_TIMEOUT_MS = 5000;

export interface JetStream {
  client: JetStreamClient;
  manager: JetStreamManager;
  options: Required<JetStreamOptions>;
}

/**
 * The stream that keeps the messages of a prefix; made where there is none.
 *
 * @throws {GeppettoError} ConfigError when the package is missing or the server refuses.
 */
export async function openStream(
  connection: NatsConnection,
  given: true | JetStreamOptions,
  prefix: string,
): Promise<JetStream> {
  const { jetstream, jetstreamManager } = await loadPackage(() => import("@nats-io/jetstream"), "@nats-io/jetstream");
  const options: Required<JetStreamOptions> = {
    stream: "GEPPETTO",
    storage: "file",
    maxAgeMs: 86_400_000,
    maxBytes: 1_000_000_000,
    ackWaitMs: 30_000,
    duplicateWindowMs: 120_000,
    ...(given === true ? {} : given),
  };
  try {
    const manager = await jetstreamManager(connection, { timeout: REQUEST_TIMEOUT_MS });
    await ensureStream(manager, {
      name: options.stream,
      subjects: [`${prefix}.>`],
      storage: options.storage,
      max_age: options.maxAgeMs * 1e6,
      max_bytes: options.maxBytes,
      duplicate_window: Math.min(options.duplicateWindowMs, options.maxAgeMs) * 1e6,
    });
    return { client: jetstream(connection, { timeout: REQUEST_TIMEOUT_MS }), manager, options };
  } catch (error) {
    const text = `Cannot open the stream "${options.stream}": ${(error as Error).message}`;
    throw new GeppettoError("ConfigError", text, { code: "ERR_NATS", cause: error });
  }
}
