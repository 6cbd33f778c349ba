import { createEmbeddingProvider } from "../../src/providers/index.ts";
const signal = new AbortController().signal;
const e = createEmbeddingProvider({provider:"embedded"},{env:{}}); 
const v = await e.embed(["hello","","hi there"],{signal}); console.log(v.length);
console.log(process.getActiveResourcesInfo());
