import type { AnyNode, Node } from "acorn";

/** Whose `var`, `await` and `this` are its own. */
const FUNCTIONS: ReadonlySet<string> = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "StaticBlock",
  "PropertyDefinition",
]);

/**
 * Visits all nodes from the outside to the inside, in order.
 *
 * @param visit hears whether the node is in a function, and what it is a child of
 */
export function walkCode(root: Node, visit: (node: AnyNode, isInFunction: boolean, parent: AnyNode) => void): void {
  const go = (node: Node, isInFunction: boolean): void => {
    const isInside = isInFunction || FUNCTIONS.has(node.type);
    for (const value of Object.values(node) as unknown[]) {
      for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
        if (!isNode(child)) continue;
        visit(child, isInside, node as AnyNode);
        go(child, isInside);
      }
    }
  };
  go(root, false);
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}
