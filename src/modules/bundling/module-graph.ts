/** Which modules stand in which by an import that is made before the script runs. */
export class ModuleGraph {
  readonly #imports = new Map<string, { to: string; specifier: string }[]>();

  add(from: string, to: string, specifier: string): void {
    const known = this.#imports.get(from);
    if (known === undefined) this.#imports.set(from, [{ to, specifier }]);
    else known.push({ to, specifier });
  }

  /** What is imported, at once or by way of others, before this module runs, itself included. */
  before(entry: string): Set<string> {
    const reached = new Set([entry]);
    for (const from of reached) for (const { to } of this.#imports.get(from) ?? []) reached.add(to);
    return reached;
  }
}
