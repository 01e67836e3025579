// What a page goes through that a connection should know of; in Node there is no page, and nothing happens.

/** Listen, until the signal is aborted, to the events whose types are the keys. */
export function watchPage(listeners: Record<string, () => void>, signal: AbortSignal): void {
  for (const type in listeners) {
    // Not all that happens to the document bubbles, but the window sees it on its way down: the focus of a field, too.
    globalThis.addEventListener?.(type, listeners[type]!, { capture: type !== "focus", signal });
  }
}
