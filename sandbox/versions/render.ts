import { snapshot } from '../state/snapshot.ts';
import type { EventData } from '../state/tables.ts';
import type { World } from '../world.ts';
import { downgrade } from './downgrade.ts';
import { eraOf } from './eras.ts';
import { strip } from './strip.ts';

/** Event data in the shape of an API version; the newest shape is returned untouched. */
export function renderData(world: World, data: EventData, version: string): EventData {
  const era = eraOf(version);
  if (era === 'D') return data;
  const old = snapshot(downgrade(world, data.object, era));
  const object = world.config.oldShapes === 'as_then' ? (strip(old, era) as object) : old;
  const previous = data.previous_attributes;
  return previous ? { object, previous_attributes: oldPrevious(previous) } : { object };
}

/** Before basil a renewal showed as a change of the subscription's own period. */
function oldPrevious(previous: Record<string, unknown>): Record<string, unknown> {
  const items = previous.items as
    | { data?: { current_period_start?: number; current_period_end?: number }[] }
    | undefined;
  const [first] = items?.data ?? [];
  if (first?.current_period_end === undefined) return previous;
  const { current_period_start, current_period_end } = first;
  return { ...previous, current_period_start, current_period_end };
}
