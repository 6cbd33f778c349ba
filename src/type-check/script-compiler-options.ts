/** How scripts are compiled: what `init` writes, and what `check` uses where no project says otherwise. */
export const SCRIPT_COMPILER_OPTIONS = {
  target: "es2024",
  lib: ["es2024"],
  module: "esnext",
  moduleResolution: "bundler",
  moduleDetection: "force",
  allowJs: true,
  checkJs: true,
  strict: true,
  noImplicitAny: false,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
} as const;
