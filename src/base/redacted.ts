/** What stands for a secret that was taken out of a text. */
export const REDACTED = "[redacted]";

/** Names of variables, and of parts of addresses, whose values nobody is to read. */
export const SECRET_NAMES = /key|token|secret|passw|credential|auth|cookie/i;
