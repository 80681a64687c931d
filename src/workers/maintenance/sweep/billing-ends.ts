import { DAY } from '../../../shared/duration.ts';
import { BillingEnd } from '../../../shared/entities/index.ts';
import type { SweepDeps } from './sweep.ts';

/** Forgets whose billing was ended: after a day it keeps nobody from buying. */
export function sweepBillingEnds({ orm, clock }: SweepDeps): Promise<number> {
  const before = new Date(clock.now().getTime() - DAY);
  return orm.em.fork().nativeDelete(BillingEnd, { endedAt: { $lt: before } });
}
