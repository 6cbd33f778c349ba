/** There is nothing that could be asked for by a name which is known only while the script runs. */
function createRequire() {
  const refuse = (name) => {
    const text = `Cannot import "${name}": require() takes a name that is written out, in a module of its own`;
    throw Object.assign(new Error(text), { code: "MODULE_NOT_FOUND" });
  };
  return Object.assign((name) => refuse(name), { resolve: refuse, cache: {}, main: undefined });
}

module.exports = { createRequire, builtinModules: [], isBuiltin: () => false };
