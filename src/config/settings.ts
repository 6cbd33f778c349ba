import type { ModelSettings } from "../providers/settings.ts";
import type { KindValues } from "./setting-kinds.ts";
import type { Kind } from "./table/setting.ts";
import type { SETTINGS, SettingPath } from "./table/settings.ts";

type Table = typeof SETTINGS;

/** The name of a setting inside the program. */
type InsideOf<Path extends SettingPath> = Table[Path] extends { inside: infer Inside extends string } ? Inside : Path;

type ValueOf<Path extends SettingPath> = Table[Path]["kind"] extends readonly (infer Name)[]
  ? Name
  : KindValues[Table[Path]["kind"] & Kind];

/** Settings that are never absent. */
type WithDefault = { [Path in SettingPath]: Table[Path] extends { default: string } ? Path : never }[SettingPath];

type Fields<Section extends string, Path extends SettingPath> = {
  [P in Path as InsideOf<P> extends `${Section}.${infer Name}` ? Name : never]: ValueOf<P>;
};

type Simplify<Type> = { [Key in keyof Type]: Type[Key] };

/** A section of the settings, as the table has it: times are milliseconds, sizes megabytes. */
type Section<Name extends string> = Simplify<
  Fields<Name, WithDefault> & Partial<Fields<Name, Exclude<SettingPath, WithDefault>>>
>;

/** The settings as read, by the first word of their names inside the program. */
export type Sections = {
  [
    Name in InsideOf<SettingPath> extends infer Inside extends string
      ? Inside extends `${infer Head}.${string}`
        ? Head
        : never
      : never
  ]: Section<Name>;
} & { [Path in SettingPath as Path extends `${string}.${string}` ? never : Path]?: ValueOf<Path> };

/** What a command and its engine need. Beside what has a default, only what was said is there. */
export interface Settings extends Omit<Sections, "chat" | "embeddings" | "retry" | "prices"> {
  chat: ModelSettings;
  embeddings: ModelSettings;
}
