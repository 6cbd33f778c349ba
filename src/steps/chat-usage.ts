import type { Usage } from "../providers/chat-provider.ts";

/** The sum of two usages, field by field; a field that neither has stays away. */
export function addUsage(sum: Usage | undefined, more: Usage | undefined): Usage | undefined {
  if (sum === undefined || more === undefined) return more ?? sum;
  const total: Record<string, number> = { ...sum };
  for (const [field, count] of Object.entries(more)) total[field] = (total[field] ?? 0) + (count as number);
  return total as unknown as Usage;
}
