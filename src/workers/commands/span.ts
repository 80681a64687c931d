import { DAY, HOUR, MINUTE } from '../../shared/duration.ts';

const UNITS: Readonly<Record<string, number>> = { m: MINUTE, h: HOUR, d: DAY };

/** Reads `90m`, `36h` or `7d` as milliseconds; undefined for anything else. */
export function parseSpan(text: string): number | undefined {
  const match = /^([1-9]\d{0,4})([mhd])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  return match && unit ? Number(match[1]) * unit : undefined;
}
