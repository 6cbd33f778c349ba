/** The headers in which W3C's Trace Context says what a message or a request belongs to. */
export const TRACE_HEADERS = ["traceparent", "tracestate"] as const;

/** What travels beside a payload, or a request. */
export type MessageMetadata = Readonly<Record<string, string | undefined>>;
