/** In seconds, as the sandbox counts. */
export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A moment some seconds after another. */
export function later(moment: Date | null | undefined, seconds: number): Date {
  if (moment == null) throw new Error('There is no such moment');
  return new Date(moment.getTime() + seconds * 1_000);
}

/** The same day and time (UTC) of a later month, or that month's last day when it has no such day. */
export function monthsAfter(moment: Date, months: number): Date {
  const day = moment.getUTCDate();
  const later = new Date(moment);
  later.setUTCMonth(later.getUTCMonth() + months);
  // Past the end of a shorter month: back to its last day.
  if (later.getUTCDate() !== day) later.setUTCDate(0);
  return later;
}
