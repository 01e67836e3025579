/**
 * What this person has not read yet: a fold over their inbox, in the order of its offsets.
 *
 * A device's cursor is one number for all conversations, so it can't say "the lobby is read, the kitchen is not".
 * Marks in the inbox itself say that, for all devices; the cursor says from where this device has to fold again.
 */

export class Unread {
  #messages = []; // { offset, channel, id }, oldest first
  #top = 0;
  #epoch = "";

  /** Begins where delivery begins; what was folded before counts on, unless the inbox is another one. */
  begin({ offset, epoch }) {
    if (epoch !== this.#epoch) {
      this.#messages = [];
      this.#top = offset;
      this.#epoch = epoch;
    }
  }

  /** Takes a publication of the inbox; false if it came before. */
  take(offset, data) {
    if (offset <= this.#top) return false;
    this.#top = offset;
    if (data.type === "read") {
      this.#messages = this.#messages.filter((each) => each.channel !== data.channel || each.offset > data.offset);
    } else if (!this.#messages.some((each) => each.id === data.id)) {
      this.#messages.push({ offset, channel: data.channel, id: data.id });
    }
    return true;
  }

  count(channel) {
    return this.#messages.filter((each) => each.channel === channel).length;
  }

  /** The offset up to which a conversation has to be read to have nothing unread; 0 if it has nothing. */
  newest(channel) {
    return this.#messages.findLast((each) => each.channel === channel)?.offset ?? 0;
  }

  /** Up to where nothing is unread: this device needs nothing of that again, and may acknowledge it. */
  get done() {
    return { offset: this.#messages.length ? this.#messages[0].offset - 1 : this.#top, epoch: this.#epoch };
  }
}
