// Where to connect, and as whom.

import type { Options } from "./api.js";
import type { Locate } from "./link.js";

/** Read the URL of the WebSocket, whose neighbours the other paths are. Throws a TypeError. */
export function readAddress(url: string | URL, { user, device }: Options): Locate {
  const base = new URL(url, globalThis.location as unknown as string);
  return (path, parameters) => {
    const located = new URL(path, base);
    located.protocol = base.protocol.replace(/ws|http/, path === "ws" ? path : "http");
    located.search = base.search;
    const given: Record<string, string | undefined> = { user, device, ...parameters };
    for (const name in given) if (given[name] != null) located.searchParams.set(name, given[name]);
    return located;
  };
}
