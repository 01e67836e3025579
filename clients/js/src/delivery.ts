// What one channel brings: each message is handed out once, over all connections, and what is next is known.

import type { GapFrame, MessageFrame } from "./frames.js";
import { epochOf, isAfter } from "./position.js";

/** Hand something out. */
export const tell = (target: EventTarget, type: string, detail?: unknown): boolean =>
  target.dispatchEvent(new CustomEvent(type, { detail }));

export class Delivery extends EventTarget {
  /** Up to where the channel was taken. The wire names epochs only where they begin, so it is kept here. */
  position = "";

  /** Take a position, if it is news: within one epoch nothing goes back. */
  _resume(position: string): boolean {
    if (!isAfter(position, this.position)) return false;
    this.position = position;
    return true;
  }

  /** Hand out what arrived, unless it was before; true where the listeners have it now. */
  _take(frame: MessageFrame | GapFrame): boolean {
    const { offset, position = offset ? `${epochOf(this.position)}:${offset}` : "" } = frame as MessageFrame & GapFrame;
    return (!position || this._resume(position)) && tell(this, frame.type, { ...frame, position });
  }
}
