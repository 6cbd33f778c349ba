/** What one error code stands for. */
export interface ErrorEntry {
  /** The `name` of the errors that have this code. */
  name: string;
  /** What has happened. */
  meaning: string;
  /** What to do about it. */
  advice: string;
  /** How the command line exits when a script does not catch the error; absent where only a host app meets it. */
  exit?: number;
}
