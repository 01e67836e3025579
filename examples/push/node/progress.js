// What the job says, in single lines on stderr.

export function say(line) {
  process.stderr.write(`push: ${line.replace(/\s+/g, " ")}\n`);
}

// How far it is, told once a second.
export class Progress {
  done = 0;
  refused = 0;
  told = Date.now();

  constructor(total) {
    this.total = total;
  }

  add(done) {
    this.done += done;
    if (Date.now() - this.told >= 1_000) this.tell();
  }

  refuse(id, reason) {
    this.refused += 1;
    say(`${id} is refused: ${reason}`);
  }

  tell() {
    this.told = Date.now();
    say(`${this.done} of ${this.total} done${this.refused ? `, ${this.refused} refused` : ""}`);
  }
}
