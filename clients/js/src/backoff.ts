// How long to stay away after a loss: exponential with full jitter, as the Python client does.
//
// Any time between nothing and the bound spreads the clients of a server that went away evenly over the bound; see
// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

const FIRST_BOUND = 500;
const LAST_BOUND = 20_000;

/** Give the delay in milliseconds after so many attempts: a random share of a bound that doubles from 0.5 to 20 s. */
export const nextDelay = (attempt: number): number => Math.random() * Math.min(FIRST_BOUND * 2 ** attempt, LAST_BOUND);
