import { OPS } from "../shared/contract/ops.ts";

/** Ops with which the guest runtime does its own work, or that are told as something else: no steps of a script. */
export const INTERNAL_OPS: ReadonlySet<string> = new Set(
  [
    OPS.op_abort,
    OPS.check_settle,
    OPS.script_settle,
    OPS.script_exit_code,
    OPS.error_keep,
    OPS.error_look,
    OPS.console_promise,
    OPS.clock_now,
    OPS.clock_origin,
    OPS.clock_reads,
    OPS.place_tell,
    OPS.random_bytes,
    OPS.web_streams,
    OPS.url_parse,
    OPS.url_set,
    OPS.run_ack,
    OPS.run_forward,
    OPS.run_answer,
    OPS.run_yield,
    OPS.run_is_aborted,
    OPS.run_wait,
    OPS.run_yield_wait,
    OPS.embedding_model,
    OPS.pipeline_draw,
    OPS.fetch_close,
    OPS.secret_refuse,
    OPS.mcp_refuse,
  ].map(({ name }) => name),
);

/** Ops that scripts know by another name. */
const NAMES: ReadonlyMap<string, string> = new Map([
  [OPS.embedding_generate.name, "embeddings.generate"],
  [OPS.image_load.name, "load an image"],
  [OPS.fetch_send.name, "fetch"],
  [OPS.fetch_read.name, "fetch: read"],
  [OPS.run_sleep.name, "sleep"],
  [OPS.store_get.name, "store.get"],
  [OPS.store_set.name, "store.set"],
  [OPS.store_delete.name, "store.delete"],
  [OPS.store_list.name, "store.list"],
]);

/** What scripts call an op. */
export function opName(name: string): string {
  return NAMES.get(name) ?? name.replace(/^app\./, "");
}
