/** What stands for a secret that was taken out of a text. */
export const REDACTED = "[redacted]";
