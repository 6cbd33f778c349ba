const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EISDIR: "it is a folder",
  EACCES: "access is denied",
  EROFS: "it is on a file system that cannot be written",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk is full",
  EFBIG: "the file would be too large",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "its name is too long",
  ENOTDIR: "a file stands where its folder should be",
  EPERM: "it may not be changed",
};

/** Why a file could not be used, without the system's own repetition of its path. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  // The system's codes are words enough; those of Node, and ours, come with a text.
  return REASONS[code ?? ""] ?? (code === undefined || code.startsWith("ERR_") ? message : code);
}
