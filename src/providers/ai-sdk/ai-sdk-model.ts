/**
 * What is used of a language model of the AI SDK (`LanguageModelV2`, `V3` and `V4` of `@ai-sdk/provider`), said by its
 * shape: so no package is needed for its types, and models of all three fit, whichever version of it they come with.
 */
export interface AiSdkModel {
  readonly specificationVersion: "v2" | "v3" | "v4";
  /** For example "openai.responses". */
  readonly provider: string;
  readonly modelId: string;
  /** URLs that the model fetches by itself, by media type. */
  readonly supportedUrls?: PromiseLike<Record<string, RegExp[]>> | Record<string, RegExp[]>;
  // oxlint-disable-next-line typescript/no-explicit-any -- the options differ from version to version
  doStream(options: any): PromiseLike<{ stream: AiSdkStream }>;
}

export interface AiSdkStream {
  getReader(): {
    read(): Promise<{ done: boolean; value?: unknown }>;
    cancel(reason?: unknown): Promise<unknown>;
  };
}

/** What of a request an API of the AI SDK has no way to say, or a model will not do. */
export class Unsupported extends Error {
  /** As options name it: "seed". */
  readonly feature: string;

  constructor(feature: string, details = "") {
    super(details);
    this.feature = feature;
  }
}
