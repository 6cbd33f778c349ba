import { DatabaseSync } from "node:sqlite";

/** A log as the first version made it: `ended` with one chat, `killed` with the beginning of one. */
export function writeFirstLog(file: string): void {
  using database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE runs (
      id TEXT PRIMARY KEY, script TEXT NOT NULL, source TEXT, details TEXT NOT NULL, started_at INTEGER NOT NULL,
      ended_at INTEGER, outcome TEXT, recordings TEXT, ok INTEGER, dropped_events INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX runs_by_start ON runs (started_at);
    CREATE TABLE events (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, place INTEGER NOT NULL, step_id TEXT NOT NULL,
      event TEXT NOT NULL, PRIMARY KEY (run_id, place)
    ) STRICT, WITHOUT ROWID;
    PRAGMA user_version = 1;
  `);
  const details = { command: "run", args: ["x"], env: {}, settings: { chat: { provider: "embedded" } } };
  const run = database.prepare(
    "INSERT INTO runs (id, script, source, details, started_at, ended_at, outcome, recordings, ok) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const request = { provider: "embedded", model: "demo", messages: [{ role: "user", content: "echo: hi there" }] };
  const usage = { inputTokens: 5, outputTokens: 2 };
  const chunks = [
    { type: "text", delta: "hi " },
    { type: "text", delta: "there" },
    { type: "end", stopReason: "stop", providerStopReason: "stop", usage, engine: "demo" },
  ];
  const recording = { id: "r", recordedAt: "2026-01-01T00:00:00.000Z", request, chunks, end: "complete" };
  const outcome = JSON.stringify({ ok: true, end: "completed", text: "hi there" });
  run.run("ended", "old.js", "1", JSON.stringify(details), 1000, 1250, outcome, JSON.stringify([recording]), 1);
  run.run("killed", "old.js", "2", JSON.stringify(details), 2000, null, null, null, null);
  const meta = { messageId: "m", parentId: "", engine: "demo" };
  const metadata = { stepId: "s", type: "chat", inputType: "a", outputType: "b", startedAt: 1000 };
  const step = { stepId: "s", type: "chat", inputType: "a", outputType: "b", metadata };
  const ended = { ...step, metadata: { ...metadata, durationMs: 40, usage, cost: 0.25 } };
  const events = [
    { type: "start", seq: 0, time: 1000, meta, step },
    { type: "partial", delta: "hi ", seq: 1, time: 1010, $completion: "text" },
    { type: "partial", delta: "there", seq: 2, time: 1020, $completion: "text" },
    { type: "final", text: "hi there", result: 1, results: [1], seq: 3, time: 1040, step: ended },
  ];
  const insert = database.prepare("INSERT INTO events (run_id, place, step_id, event) VALUES (?, ?, ?, ?)");
  for (const [place, event] of events.entries()) {
    insert.run("ended", place, "s", JSON.stringify(event));
    if (place < 2) insert.run("killed", place, "s", JSON.stringify(event));
  }
}
