/** Why a journal cannot be read, in words that go on after "its journal cannot be read: ". */
export class JournalError extends Error {
  override readonly name: string = "JournalError";
}
