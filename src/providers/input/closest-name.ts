export { closestName } from "../../shared/closest-name.ts";
