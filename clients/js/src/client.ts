// The module's entry: what `api.ts` promises, made.

import type * as api from "./api.js";
import { makeGateway } from "./gateway.js";

// An EventTarget's events have no types but those that the declaration gives them.
export const connect = (url: string | URL, options: api.Options = {}) => makeGateway(url, options) as api.Gateway;

({ connect }) satisfies typeof api;
