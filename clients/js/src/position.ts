// Positions, `<epoch>:<offset>`; empty before anything is known, without an epoch where a channel keeps no history.

export const epochOf = (position: string): string => position.slice(0, position.lastIndexOf(":"));

export const offsetOf = (position: string): number => +position.slice(position.lastIndexOf(":") + 1);

/** Tell whether a position is news to who knows another one: it is of another epoch, or further on. */
export const isAfter = (position: string, known: string): boolean =>
  epochOf(position) !== epochOf(known) || offsetOf(position) > offsetOf(known);
