// Positions, `<epoch>:<offset>`; empty before anything is known, without an epoch where a channel keeps no history.
// An epoch is hexadecimal digits.

export const epochOf = (position: string): string => position.split(":")[0]!;

export const offsetOf = (position: string): number => +position.split(":")[1]! || 0;

/** Tell whether a position is news to who knows another one: it is of another epoch, or further on. */
export const isAfter = (position: string, known: string): boolean =>
  epochOf(position) !== epochOf(known) || offsetOf(position) > offsetOf(known);
