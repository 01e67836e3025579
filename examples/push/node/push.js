// Push due notifications to their users' devices; killed at any point and run again, each arrives once.
//
// The id is what makes it so: a notification is published with its own id, and marked as done only after the
// answer. One that was published and not marked is published again, and the store knows its id for 5 minutes.

import { homedir } from "node:os";
import { parseArgs } from "node:util";

import { End, INTERRUPTED, MISUSED, REFUSED } from "./end.js";
import { batches, Done, readList } from "./notifications.js";
import { Progress, say } from "./progress.js";
import { publishBatch, Store } from "./publish.js";

// Where `trio-gateway serve` has its store on Linux; it prints where yours is.
const STORE = `unix://${homedir()}/.local/share/trio-gateway/valkey.sock`;

const HELP = `\
usage: node push.js [--redis-url URL] [--patience SECONDS] LIST

Push due notifications to their users' devices, each once, however often it is run.

  LIST                the notifications, as JSON Lines
  --redis-url URL     the gateway's store [${STORE}]
  --patience SECONDS  how long to try again while the store does not answer, up to 240 [120]

LIST has one notification a line: {"id": "order-41-ready", "user": "7", "title": "…", "body": "…"}.
LIST.done gets the ids of those that were published; lines that are in it are skipped.

Exit codes: 0 all are done, 1 the store did not answer or the disk is full (run it again), 2 wrong arguments or
a wrong list, 3 some were refused and all others are done, 130 Ctrl-C (run it again).`;

function readArguments() {
  const options = { "redis-url": { type: "string", default: STORE }, patience: { type: "string", default: "120" } };
  const { values, positionals } = parseArgs({
    options: { ...options, help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const patience = values.patience.trim() ? Number(values.patience) : NaN; // well below the 5 minutes for which the store knows an id
  if (!(patience >= 0 && patience <= 240)) throw new End(MISUSED, "--patience: expected 0 to 240 seconds");
  if (positionals.length !== 1) throw new End(MISUSED, "expected one LIST; --help tells more");
  return { list: positionals[0], store: new Store(values["redis-url"]), patience };
}

async function main() {
  const { list, store, patience } = readArguments();
  const notifications = readList(list);
  const done = new Done(`${list}.done`);
  const due = notifications.filter(({ id }) => !done.ids.has(id));
  const progress = new Progress(due.length);
  for (const batch of batches(due)) await publishBatch(store, batch, done, progress, patience);
  store.close();
  progress.tell();
  return progress.refused ? REFUSED : 0;
}

process.once("SIGINT", () => {
  say("interrupted; run it again for the rest");
  process.exit(INTERRUPTED);
});

try {
  process.exitCode = await main();
} catch (error) {
  say(`error: ${error.message}`);
  process.exit(error instanceof End ? error.code : MISUSED); // of a file that can't be read, or a wrong option
}
