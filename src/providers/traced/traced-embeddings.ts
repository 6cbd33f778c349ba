import { ATTRIBUTES, OPERATIONS } from "../../base/telemetry/conventions.ts";
import { measureModel } from "../../base/telemetry/measure-model.ts";
import { currentTelemetry } from "../../base/telemetry/trace.ts";
import type { EmbeddingProvider } from "../embedding-provider.ts";
import { providerAttributes, type ModelFacts } from "./model-facts.ts";

/** Tells of each request for embeddings, likewise. */
export function tracedEmbeddings(inner: EmbeddingProvider, facts: ModelFacts): EmbeddingProvider {
  return {
    name: inner.name,
    model: () => inner.model(),
    close: () => inner.close(),
    async embed(texts, options) {
      const telemetry = currentTelemetry();
      if (telemetry === undefined) return inner.embed(texts, options);
      const startedAt = performance.now();
      const { name: model } = inner.model();
      const asked = {
        [ATTRIBUTES.operation]: OPERATIONS.embeddings,
        ...providerAttributes(inner.name, facts),
        [ATTRIBUTES.requestModel]: model,
      };
      const span = telemetry.start({
        name: `${OPERATIONS.embeddings} ${model}`,
        isClient: inner.name !== "embedded",
        attributes: asked,
      });
      let failure: { error: unknown } | undefined;
      try {
        const vectors = await span.run(() => inner.embed(texts, options));
        span.set({ [ATTRIBUTES.dimensions]: vectors[0]?.length });
        return vectors;
      } catch (error) {
        failure = { error };
        throw error;
      } finally {
        span.end(failure);
        measureModel(telemetry, performance.now() - startedAt, asked, undefined, failure);
      }
    },
  };
}
