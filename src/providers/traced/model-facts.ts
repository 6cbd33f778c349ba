import { ATTRIBUTES } from "../../base/telemetry/conventions.ts";
import type { Attributes } from "../../base/telemetry/trace.ts";
import type { PriceTable } from "../cost/price-table.ts";

/** What is known of a model's provider before anything is asked of it. */
export interface ModelFacts {
  /** Where the provider is, where it is not its vendor's own address, or the SDK knows that. */
  baseURL?: string | undefined;
  prices?: PriceTable | undefined;
  isLocal?: boolean | undefined;
}

/** Provider and address, as the conventions name them. */
export function providerAttributes(name: string, { baseURL }: ModelFacts): Attributes {
  const url = baseURL === undefined ? undefined : (URL.parse(baseURL) ?? undefined);
  const port = url === undefined ? undefined : Number(url.port || (url.protocol === "https:" ? 443 : 80));
  return {
    [ATTRIBUTES.provider]: name,
    [ATTRIBUTES.serverAddress]: url?.hostname,
    [ATTRIBUTES.serverPort]: port,
  };
}
