let hasUsedThread = false;

/** A script of this process runs in a thread of it. */
export function noteGuestThread(): void {
  hasUsedThread = true;
}

/** Has a script of this process run in a thread of it? Such a thread may still be on its way out. */
export function hasRunInThread(): boolean {
  return hasUsedThread;
}
