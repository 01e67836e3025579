// Why the job ends early, and with which exit code.

export const [FAILED, MISUSED, REFUSED, INTERRUPTED] = [1, 2, 3, 130];

export class End extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
