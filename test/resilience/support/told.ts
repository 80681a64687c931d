/**
 * What users hear depends on when the service hears it, and only so far. Against the run in which it heard of
 * everything at once, a run that hears late
 *
 * - tells every payment and every refund, just the same: they have happened, whenever one hears of them;
 * - may leave out what is over by the time it is heard: a failed attempt or a wanted confirmation of an invoice that
 *   is paid by then, a scheduled cancellation that was taken back or has taken effect, the coming end of a trial that
 *   has ended. What still stands it tells, and it may not make up any;
 * - tells that premium began at most once for a subscription, and always while the period that began it still runs;
 *   it names the period that it heard of first: the name of that fact is the only one that may be new;
 * - tells that premium ended whenever the user is not premium at the end, and never tells of an end that was none.
 *
 * @param told facts of the run in question
 * @param live facts of the run that heard of everything at once
 * @param now what holds at the end
 * @returns what is wrong, in words
 */
export function wrongFacts(
  told: readonly string[],
  live: readonly string[],
  now: { at: Date; isPremium: boolean; endingSubscriptions: readonly string[] },
): string[] {
  const wrong: string[] = [];
  const has = new Set(told);
  const had = new Set(live);
  for (const fact of live) {
    const isUnpaid = kindOf(fact) === 'payment_failed' && !had.has(`payment_succeeded:${subjectOf(fact)}`);
    if ((ALWAYS.has(kindOf(fact)) || isUnpaid) && !has.has(fact)) wrong.push(`never told: ${fact}`);
  }
  for (const subscription of now.endingSubscriptions) {
    const isTold = told.some((fact) => fact.startsWith(`cancel_scheduled:${subscription}:`));
    if (!isTold) wrong.push(`nobody said that ${subscription} is going to end`);
  }
  for (const fact of told) {
    const kind = kindOf(fact);
    if (had.has(fact) || kind === 'premium_activated') continue;
    wrong.push(`told though it never was so: ${fact}`);
  }
  const activated = told.filter((fact) => kindOf(fact) === 'premium_activated');
  for (const subscription of new Set(activated.map(subjectOf))) {
    const again = activated.filter((fact) => subjectOf(fact) === subscription);
    if (again.length > 1 && again.some((fact) => !had.has(fact))) {
      wrong.push(`began more than once: ${again.join(', ')}`);
    }
  }
  const began = live.filter((fact) => kindOf(fact) === 'premium_activated');
  const stillPaid = began.some((fact) => paidUntil(fact) > now.at);
  if (now.isPremium && stillPaid && activated.length === 0) wrong.push('nobody said that premium began');
  if (!now.isPremium && began.length > 0 && !told.some((fact) => kindOf(fact) === 'premium_ended')) {
    wrong.push('nobody said that premium ended');
  }
  return wrong;
}

const ALWAYS: ReadonlySet<string> = new Set(['payment_succeeded', 'payment_refunded']);

function kindOf(fact: string): string {
  return fact.split(':', 1)[0] ?? '';
}

function subjectOf(fact: string): string {
  return fact.split(':')[1] ?? '';
}

/** `premium_activated:<subscription>:<end of the paid period>…` */
function paidUntil(fact: string): Date {
  const [time = ''] = /\d{4}-[\d-]+T[\d:.]+Z/.exec(fact) ?? [];
  return new Date(time);
}
