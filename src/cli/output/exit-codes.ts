export { EXIT } from "../../errors.ts";
