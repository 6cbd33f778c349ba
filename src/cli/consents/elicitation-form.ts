import { isObject } from "../../files.ts";
import type { ElicitationAnswer, McpElicitation } from "../../index.ts";

type Value = string | number | boolean | string[];

/** A value that a server asks for. */
export interface FormField {
  name: string;
  /** What is asked, with what may be answered. */
  question: string;
  isRequired: boolean;
  /** Of an empty answer. */
  default: Value | undefined;
  /** The value that a text stands for; undefined where it stands for none. */
  read: (text: string) => Value | undefined;
}

/** Fields that one question may have. */
const MAX_FIELDS = 50;
/** Longest text of a server's in a question, in characters. */
const MAX_TEXT = 300;

/** The fields of a form; undefined for a schema that nobody can fill in line by line. */
export function formFields({ schema = {} }: McpElicitation): FormField[] | undefined {
  const { properties = {}, required = [] } = schema as { properties?: unknown; required?: unknown };
  if (!isObject(properties) || !Array.isArray(required)) return undefined;
  const entries = Object.entries(properties);
  if (entries.length > MAX_FIELDS) return undefined;
  const fields = entries.map(([name, field]) => toField(name, isObject(field) ? field : {}, required.includes(name)));
  return fields.every((field) => field !== undefined) ? fields : undefined;
}

/** What was filled in, as the server gets it. */
export function acceptedForm(values: ReadonlyMap<string, Value>): ElicitationAnswer {
  return { action: "accept", content: Object.fromEntries(values) };
}

function toField(name: string, field: Record<string, unknown>, isRequired: boolean): FormField | undefined {
  const { type, title, description, items } = field;
  const isList = type === "array";
  const choices = choicesOf(isList && isObject(items) ? items : field);
  let read: FormField["read"];
  let hint: string;
  if (isList) {
    if (choices === undefined) return undefined;
    hint = `any of ${choices.join(", ")}, with commas`;
    read = (text) => {
      const chosen = text.split(",").map((part) => part.trim());
      return chosen.every((part) => choices.includes(part)) ? chosen : undefined;
    };
  } else if (choices !== undefined) {
    hint = `one of ${choices.join(", ")}`;
    read = (text) => (choices.includes(text) ? text : undefined);
  } else if (type === "boolean") {
    hint = "yes or no";
    read = (text) => (/^(y|yes|true)$/i.test(text) ? true : /^(n|no|false)$/i.test(text) ? false : undefined);
  } else if (type === "number" || type === "integer") {
    hint = type === "number" ? "a number" : "a whole number";
    read = (text) => {
      const value = Number(text);
      return text !== "" && (type === "number" ? Number.isFinite(value) : Number.isInteger(value)) ? value : undefined;
    };
  } else if (type === "string") {
    hint = "";
    read = (text) => (text === "" ? undefined : text);
  } else return undefined;
  const given = field["default"] as Value | undefined;
  const about = [title, description].filter((text) => typeof text === "string" && text !== "");
  const facts = [
    about.join(": "),
    hint,
    given === undefined ? "" : `default ${String(given)}`,
    isRequired || given !== undefined ? "" : "may be empty",
  ].filter((text) => text !== "");
  const question = `${short(name)}${facts.length === 0 ? "" : ` (${facts.map(short).join("; ")})`}: `;
  return { name, question, isRequired, default: given, read };
}

/** The texts among which one is to be chosen. */
function choicesOf(field: Record<string, unknown>): string[] | undefined {
  const { enum: listed, oneOf, anyOf } = field;
  const titled = oneOf ?? anyOf;
  const texts = Array.isArray(titled) ? titled.map((choice) => (isObject(choice) ? choice["const"] : choice)) : listed;
  return Array.isArray(texts) && texts.every((text) => typeof text === "string") ? texts : undefined;
}

/** A text of a server's on one line. */
function short(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT).toWellFormed()}…` : line;
}
