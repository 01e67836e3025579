// The module's entry: what `api.ts` promises, made.

import type * as api from "./api.js";
import { makeGateway } from "./gateway.js";

// An EventTarget's events have no types but those that the declaration gives them.
export const connect = makeGateway as typeof api.connect;

({ connect }) satisfies typeof api;
