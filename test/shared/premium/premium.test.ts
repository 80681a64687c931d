import { expect } from 'chai';
import type { Subscription } from '../../../src/shared/entities/index.ts';
import {
  type PremiumFacts,
  type PremiumReason,
  premiumReason,
  premiumUntil,
} from '../../../src/shared/premium/index.ts';

/** A subscription whose first month is paid until 1 July, 10:00. */
const paid: PremiumFacts = {
  status: 'active',
  stripeStatus: 'active',
  paidUntil: date('2026-07-01T10:00'),
  paidFrom: date('2026-06-01T10:00'),
  paidAt: date('2026-06-01T10:00'),
  trialEnd: null,
  endedAt: null,
  cancelAt: null,
  pastDueSince: null,
  collectionPaused: false,
  collectionMethod: 'charge_automatically',
  pausedPeriodStart: null,
  currentPeriodStart: date('2026-06-01T10:00'),
  currentPeriodEnd: date('2026-07-01T10:00'),
  firstUnpaidAt: null,
  latestInvoiceAt: date('2026-06-01T10:00'),
  latestInvoiceStatus: 'paid',
  latestInvoiceFailedAt: null,
  revokedAt: null,
};
const policy = { graceDays: 3, processingDays: 14 };
const failed: Partial<PremiumFacts> = {
  status: 'past_due',
  stripeStatus: 'past_due',
  pastDueSince: date('2026-07-01T11:00'),
};
const trial: Partial<PremiumFacts> = {
  stripeStatus: 'trialing',
  trialEnd: date('2026-07-01T10:00'),
};

type Story = {
  title: string;
  facts: Partial<PremiumFacts>;
  now: string;
  /** Null: this subscription never made anybody premium. */
  until: string | null;
  reason: PremiumReason;
};

const stories: readonly Story[] = [
  {
    title: 'the first period is premium until it ends',
    facts: {},
    now: '2026-06-10T00:00',
    until: '2026-07-01T10:00',
    reason: 'active',
  },
  {
    title: 'a subscription that was never paid is never premium',
    facts: { status: 'inactive', stripeStatus: 'incomplete', paidUntil: null },
    now: '2026-06-10T00:00',
    until: null,
    reason: 'none',
  },
  {
    title: 'a trial is premium until it ends',
    facts: { ...trial, paidUntil: null },
    now: '2026-06-10T00:00',
    until: '2026-07-01T10:00',
    reason: 'trial',
  },
  {
    title: 'a trial that was prolonged is premium for longer than the invoice of nothing said',
    facts: { ...trial, trialEnd: date('2026-07-08T10:00') },
    now: '2026-06-10T00:00',
    until: '2026-07-08T10:00',
    reason: 'trial',
  },
  {
    title: 'a trial that is cancelled at its end is premium until then',
    facts: { ...trial, cancelAt: date('2026-07-01T10:00') },
    now: '2026-06-10T00:00',
    until: '2026-07-01T10:00',
    reason: 'cancelled_until',
  },
  {
    title: 'a trial that is cancelled at its end has no renewal in progress',
    facts: { ...trial, cancelAt: date('2026-07-01T10:00') },
    now: '2026-07-01T10:01',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a trial that was ended at once is over, although its end lies ahead',
    facts: { ...trial, status: 'canceled', stripeStatus: 'canceled', endedAt: date('2026-06-10T00:00') },
    now: '2026-06-10T00:01',
    until: '2026-06-10T00:00',
    reason: 'none',
  },
  {
    title: 'a trial that turns into a paid period is premium while its first payment is under way',
    facts: { ...trial, stripeStatus: 'active' },
    now: '2026-07-01T10:30',
    until: '2026-07-01T16:00',
    reason: 'active',
  },
  {
    title: 'a renewal in progress is premium, and grants nothing of the next period',
    facts: {},
    now: '2026-07-01T10:59',
    until: '2026-07-01T16:00',
    reason: 'active',
  },
  {
    title: 'a renewal about to begin is written a little ahead, so that nobody sees a gap',
    facts: {},
    now: '2026-07-01T09:50',
    until: '2026-07-01T16:00',
    reason: 'active',
  },
  {
    title: 'a period that rolled forward and was never paid lapses after the allowance',
    facts: {},
    now: '2026-07-01T16:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a renewal in progress stays premium when it is cancelled for the end of the new period',
    facts: { cancelAt: date('2026-08-01T10:00') },
    now: '2026-07-01T10:30',
    until: '2026-07-01T16:00',
    reason: 'cancelled_until',
  },
  {
    title: 'a renewal in progress is premium no longer than until a cancellation just ahead',
    facts: { cancelAt: date('2026-07-01T12:00') },
    now: '2026-07-01T10:30',
    until: '2026-07-01T12:00',
    reason: 'cancelled_until',
  },
  {
    title: 'a failed renewal has its days of grace from the first attempt',
    facts: failed,
    now: '2026-07-02T00:00',
    until: '2026-07-04T11:00',
    reason: 'grace',
  },
  {
    title: 'a failed renewal has them before Stripe says past_due',
    facts: { pastDueSince: date('2026-07-01T11:00') },
    now: '2026-07-01T11:01',
    until: '2026-07-04T11:00',
    reason: 'grace',
  },
  {
    title: 'retries do not extend the grace',
    facts: failed,
    now: '2026-07-04T11:00',
    until: '2026-07-04T11:00',
    reason: 'none',
  },
  {
    title: 'a failed payment within a paid period takes nothing of it away',
    facts: { ...failed, pastDueSince: date('2026-06-10T00:00') },
    now: '2026-06-20T00:00',
    until: '2026-07-01T10:00',
    reason: 'active',
  },
  {
    title: 'past_due without a known failure has no grace to count from',
    facts: { ...failed, pastDueSince: null },
    now: '2026-07-02T00:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'unpaid means that Stripe has given up: no grace',
    facts: { ...failed, status: 'unpaid', stripeStatus: 'unpaid' },
    now: '2026-07-02T00:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'dunning that ends the subscription ends the grace as well',
    facts: { ...failed, status: 'canceled', stripeStatus: 'canceled', endedAt: date('2026-07-03T11:00') },
    now: '2026-07-03T11:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a cancellation at period end leaves premium until then',
    facts: { cancelAt: date('2026-07-01T10:00') },
    now: '2026-06-10T00:00',
    until: '2026-07-01T10:00',
    reason: 'cancelled_until',
  },
  {
    title: 'a cancellation before the period ends takes the rest of it away',
    facts: { cancelAt: date('2026-06-24T00:00') },
    now: '2026-06-10T00:00',
    until: '2026-06-24T00:00',
    reason: 'cancelled_until',
  },
  {
    title: 'a cancellation at period end has no renewal in progress',
    facts: { cancelAt: date('2026-07-01T10:00') },
    now: '2026-07-01T10:01',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'an immediate cancellation ends premium, although the period ends in the future',
    facts: { status: 'canceled', stripeStatus: 'canceled', endedAt: date('2026-06-10T00:00') },
    now: '2026-06-10T00:01',
    until: '2026-06-10T00:00',
    reason: 'none',
  },
  {
    title: 'money that was taken back takes premium with it, where that is the rule',
    facts: { revokedAt: date('2026-06-10T00:00') },
    now: '2026-06-10T00:01',
    until: '2026-06-10T00:00',
    reason: 'none',
  },
  {
    title: 'money that was taken back after the period prolongs nothing',
    facts: { revokedAt: date('2026-07-20T00:00') },
    now: '2026-07-20T00:01',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a paused collection keeps what is paid',
    facts: { collectionPaused: true },
    now: '2026-06-10T00:00',
    until: '2026-07-01T10:00',
    reason: 'active',
  },
  {
    title: 'a paused collection has no renewal in progress',
    facts: { collectionPaused: true },
    now: '2026-07-01T10:30',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a paused subscription keeps what is paid and does not renew',
    facts: { status: 'inactive', stripeStatus: 'paused' },
    now: '2026-07-01T10:30',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a row of the old service is premium until its period ends',
    facts: { stripeStatus: null },
    now: '2026-06-10T00:00',
    until: '2026-07-01T10:00',
    reason: 'active',
  },
  {
    title: 'a row of the old service renews like any other',
    facts: { stripeStatus: null },
    now: '2026-07-01T10:30',
    until: '2026-07-01T16:00',
    reason: 'active',
  },
  {
    title: 'a canceled row of the old service ended when it was canceled',
    facts: { stripeStatus: null, status: 'canceled', endedAt: date('2026-06-10T00:00') },
    now: '2026-06-10T00:01',
    until: '2026-06-10T00:00',
    reason: 'none',
  },
];

function date(moment: string): Date {
  return new Date(`${moment}:00Z`);
}

describe('premium', () => {
  for (const { title, facts, now, until, reason } of stories) {
    it(title, () => {
      const subscription = { ...paid, ...facts };
      const premium = premiumUntil(subscription, policy, date(now));
      expect(premium).to.deep.equal(until === null ? null : date(until));
      const row = { ...subscription, cancelAtPeriodEnd: subscription.cancelAt !== null } as Subscription;
      expect(premiumReason(premium, row, date(now))).to.equal(reason);
    });
  }

  it('has as many days of grace as the policy gives', () => {
    const subscription = { ...paid, ...failed };
    const now = date('2026-07-01T12:00');
    expect(premiumUntil(subscription, { ...policy, graceDays: 0 }, now)).to.deep.equal(
      date('2026-07-01T11:00'),
    );
    expect(premiumUntil(subscription, { ...policy, graceDays: 14 }, now)).to.deep.equal(
      date('2026-07-15T11:00'),
    );
  });

  it('has no gap on the way through a renewal that succeeds, minute by minute', () => {
    const renewed = { ...paid, paidUntil: date('2026-08-01T10:00') };
    for (let minute = 0; minute < 180; minute += 1) {
      const now = new Date(date('2026-07-01T09:00').getTime() + minute * 60_000);
      const subscription = minute < 121 ? paid : renewed;
      const until = premiumUntil(subscription, policy, now);
      expect(until && until > now, now.toISOString()).to.equal(true);
    }
  });

  it('may have been given by others, without a subscription', () => {
    const now = date('2026-06-10T00:00');
    expect(premiumReason(date('2027-01-01T00:00'), null, now)).to.equal('active');
    expect(premiumReason(date('2026-01-01T00:00'), null, now)).to.equal('none');
    expect(premiumReason(null, null, now)).to.equal('none');
  });
});
