/** DEL, C1, marks of direction, and the ends of lines that JSON lets stand as they are. */
const CONTROLS = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The same JSON, with nothing in it that could steer a terminal or turn a text around: `\u009b` stands for itself. */
export function escapeControls(json: string): string {
  return json.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
