// The time.

/** Give Unix milliseconds: unlike those since the page was loaded, they go on while the machine sleeps. */
export const now = (): number => Date.now();
