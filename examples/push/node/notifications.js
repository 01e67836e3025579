// What is due and what is done: a list in a file, and beside it the ids of what was published.
//
// In an application of yours both are a table, and done is a column.

import { appendFileSync, fsyncSync, openSync, readFileSync, truncateSync } from "node:fs";

import { End, FAILED, MISUSED } from "./end.js";

const BATCH = 100;

// The ids of what was published, one a line; those that were there already are in `ids`.
export class Done {
  constructor(path) {
    this.path = path;
    this.file = openSync(path, "a+");
    const text = readFileSync(this.file);
    const whole = text.subarray(0, text.lastIndexOf("\n") + 1);
    if (whole.length < text.length) truncateSync(path, whole.length); // a power cut in the middle of a line
    this.ids = new Set(whole.toString().split("\n"));
  }

  add(notifications) {
    try {
      appendFileSync(this.file, notifications.map(({ id }) => `${id}\n`).join(""));
      fsyncSync(this.file);
    } catch (error) {
      throw new End(FAILED, `${this.path}: ${error.message}`); // a full disk, say
    }
  }
}

// Split the list; no user is twice in a batch, so each gets theirs in order, whatever fails.
export function* batches(notifications) {
  let batch = new Map();
  for (const notification of notifications) {
    if (batch.size === BATCH || batch.has(notification.user)) {
      yield [...batch.values()];
      batch = new Map();
    }
    batch.set(notification.user, notification);
  }
  if (batch.size) yield [...batch.values()];
}

export function readList(path) {
  const notifications = new Map();
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (!line.trim()) continue;
    const where = `${path}:${index + 1}`;
    const notification = parse(line);
    if (!notification) {
      throw new End(MISUSED, `${where}: expected an object with the texts id, user, title and body`);
    }
    if (notifications.has(notification.id)) {
      throw new End(MISUSED, `${where}: the id ${notification.id} was there before`);
    }
    notifications.set(notification.id, notification);
  }
  return [...notifications.values()];
}

// Read a notification; gives nothing where the line is none.
function parse(line) {
  try {
    const { id, user, title, body } = JSON.parse(line);
    const isWhole = [id, user, title, body].every((field) => typeof field === "string") && id && user;
    return isWhole ? { id, user, title, body } : undefined;
  } catch {
    return undefined;
  }
}
