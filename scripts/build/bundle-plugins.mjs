// What bundles have in common.

/** Packages stay where they are, but for those that are taken in: these are found, read and compiled with what needs them. */
export function packagesStay(takenIn) {
  return {
    name: "packages stay",
    setup({ onResolve }) {
      onResolve({ filter: /^[a-z@]/ }, ({ path, kind }) =>
        kind === "entry-point" || takenIn.includes(path) ? null : { path, external: true },
      );
    },
  };
}

/** Our modules do nothing by being loaded, so what nobody asks for of an entry is left out. */
export function withoutSideEffects() {
  return {
    name: "without side effects",
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^\./ }, async ({ path, pluginData, ...args }) => {
        if (pluginData === "asked") return null;
        const { importer, namespace, resolveDir, kind } = args;
        const found = await resolve(path, { importer, namespace, resolveDir, kind, pluginData: "asked" });
        return { ...found, sideEffects: false };
      });
    },
  };
}

/** zod brings what it says in fifty languages, half of its code. It says in English what it says to us. */
export function withoutLanguages() {
  return {
    name: "without languages",
    setup({ onLoad }) {
      onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "export {};" }));
    },
  };
}
