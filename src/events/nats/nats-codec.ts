import { randomUUID } from "node:crypto";
import type { MsgHdrs } from "@nats-io/transport-node";
import { TRACE_HEADERS } from "../../base/telemetry/trace-headers.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { NO_METADATA, UNDECODABLE, type MessageMetadata } from "../message.ts";

/** The server recognises a message that is published twice by this header. */
export const UUID_HEADER = "Nats-Msg-Id";
/** A JSON object of texts. */
export const METADATA_HEADER = "Geppetto-Metadata";

export interface Decoded {
  uuid: string;
  metadata: MessageMetadata;
  payload: unknown;
}

/** @throws {GeppettoError} ValidationError when the payload has no JSON form. */
export function encodePayload(topic: string, payload: unknown): string {
  try {
    return JSON.stringify(payload) ?? "null";
  } catch (error) {
    throw new GeppettoError("ValidationError", `Cannot publish to topic "${topic}": ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Never throws: what is not JSON comes as its text, with the reason in the metadata. */
export function decodeMessage(message: { data: Uint8Array; headers?: MsgHdrs | undefined }): Decoded {
  const { data, headers } = message;
  const uuid = headers?.get(UUID_HEADER) || randomUUID();
  const text = new TextDecoder().decode(data);
  try {
    return { uuid, metadata: readMetadata(headers), payload: JSON.parse(text) };
  } catch (error) {
    return { uuid, metadata: { [UNDECODABLE]: `it is not JSON: ${(error as Error).message}` }, payload: text };
  }
}

/** The trace to which a message belongs, of metadata as it is sent. */
export function traceHeadersIn(metadata: string): [name: string, value: string][] {
  if (!TRACE_HEADERS.some((name) => metadata.includes(`"${name}":`))) return [];
  const { ...all } = JSON.parse(metadata) as Record<string, string>;
  return TRACE_HEADERS.flatMap((name): [string, string][] => (all[name] === undefined ? [] : [[name, all[name]]]));
}

/** What others have published may say to which trace it belongs, and have no metadata of ours. */
function readMetadata(headers: MsgHdrs | undefined): MessageMetadata {
  const text = headers?.get(METADATA_HEADER);
  const value = text ? (JSON.parse(text) as object) : {};
  const entries = Object.entries(value).map(([key, entry]): [string, string] => [key, String(entry)]);
  for (const name of TRACE_HEADERS) {
    const found = headers?.get(name);
    if (found) entries.push([name, found]);
  }
  return entries.length === 0 ? NO_METADATA : Object.fromEntries(entries);
}
