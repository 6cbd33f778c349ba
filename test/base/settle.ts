/** Lets everything happen that waits for nothing. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Runs `act`, and gives the rejections that went unheard meanwhile. */
export async function unheardDuring(act: () => unknown): Promise<unknown[]> {
  const rejections: unknown[] = [];
  const listen = (reason: unknown): void => void rejections.push(reason);
  process.on("unhandledRejection", listen);
  try {
    await act();
    await settle();
  } finally {
    process.off("unhandledRejection", listen);
  }
  return rejections;
}
