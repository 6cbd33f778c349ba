// What scripts/build.mjs makes the classes of web streams of.
export * from "web-streams-polyfill";
