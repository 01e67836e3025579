/** Who is in a channel: asked at each subscription, and kept up by joins and leaves. A person may be there several times. */

const RETRY_MS = 2000;

export class Presence {
  #subscription;
  #changed;
  #clients = new Map(); // a connection's id to its person
  #since = null; // joins and leaves that came while the answer was on its way, which may not know of them

  constructor(subscription, changed) {
    this.#subscription = subscription;
    this.#changed = changed;
    subscription.on("subscribed", () => this.#ask());
    subscription.on("join", ({ info }) => this.#apply((clients) => clients.set(info.client, personOf(info))));
    subscription.on("leave", ({ info }) => this.#apply((clients) => clients.delete(info.client)));
  }

  get people() {
    return [...new Map([...this.#clients.values()].map((person) => [person.id, person])).values()];
  }

  #apply(change) {
    change(this.#clients);
    this.#since?.push(change);
    this.#changed();
  }

  async #ask() {
    if (this.#subscription.state !== "subscribed") return; // the next subscription asks
    const since = (this.#since = []);
    try {
      const { clients } = await this.#subscription.presence();
      if (since !== this.#since) return; // another answer is on its way
      this.#clients = new Map(Object.entries(clients).map(([client, info]) => [client, personOf(info)]));
      for (const change of since) change(this.#clients);
      this.#since = null;
      this.#changed();
    } catch {
      setTimeout(() => this.#ask(), RETRY_MS);
    }
  }
}

function personOf({ user, connInfo }) {
  return { id: user, name: connInfo?.name ?? user };
}
