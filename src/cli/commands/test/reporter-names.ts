export const REPORTERS: readonly string[] = ["default", "dot", "json", "junit", "tap", "github"];
