// What a page goes through that a connection should know of; in Node there is no page, and nothing happens.

/** Listen, until the signal is aborted, to the events whose types are the keys, several in one. */
export function watchPage(listeners: Record<string, () => void>, signal: AbortSignal): void {
  for (const types in listeners) {
    for (const type of types.split(" ")) {
      // Not all that happens to the document bubbles, but the window sees it on its way down.
      globalThis.addEventListener?.(type, listeners[types]!, { capture: true, signal });
    }
  }
}
