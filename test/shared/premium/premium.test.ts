import { expect } from 'chai';
import type { Subscription } from '../../../src/shared/entities/index.ts';
import {
  isEndCertain,
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

/** The next period has begun, and nothing is known of its invoice. */
const rolled: Partial<PremiumFacts> = {
  currentPeriodStart: date('2026-07-01T10:00'),
  currentPeriodEnd: date('2026-08-01T10:00'),
};

/** The next period's invoice, as far as it has come. */
function billed(latestInvoiceStatus: string): Partial<PremiumFacts> {
  return { latestInvoiceAt: date('2026-07-01T10:00'), latestInvoiceStatus };
}

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
    title: 'a period that has begun lets premium go on while its payment is under way',
    facts: rolled,
    now: '2026-07-01T10:00',
    until: '2026-07-15T10:00',
    reason: 'payment_pending',
  },
  {
    title: 'a payment under way for two weeks has had its time',
    facts: rolled,
    now: '2026-07-15T10:00',
    until: '2026-07-15T10:00',
    reason: 'none',
  },
  {
    title: 'an open invoice that nobody has tried, or that is with the bank, stands against nothing',
    facts: { ...rolled, ...billed('open') },
    now: '2026-07-10T10:00',
    until: '2026-07-15T10:00',
    reason: 'payment_pending',
  },
  {
    title: 'a draft that cannot be finalised stands against nothing',
    facts: { ...rolled, ...billed('draft') },
    now: '2026-07-10T10:00',
    until: '2026-07-15T10:00',
    reason: 'payment_pending',
  },
  {
    title: 'a void invoice means that nothing is under way, whatever the status says',
    facts: { ...rolled, ...billed('void') },
    now: '2026-07-02T10:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'an uncollectible invoice means it too',
    facts: { ...rolled, ...billed('uncollectible') },
    now: '2026-07-02T10:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'an attempt that failed means it too, when Stripe has called the subscription active again since',
    facts: { ...rolled, ...billed('open'), latestInvoiceFailedAt: date('2026-07-05T10:00') },
    now: '2026-07-06T10:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a void invoice of the period before stands against nothing',
    facts: { ...rolled, latestInvoiceAt: date('2026-06-20T10:00'), latestInvoiceStatus: 'void' },
    now: '2026-07-02T10:00',
    until: '2026-07-15T10:00',
    reason: 'payment_pending',
  },
  {
    title: 'an invoice that is sent, not collected, is no payment under way',
    facts: { ...rolled, ...billed('open'), collectionMethod: 'send_invoice' },
    now: '2026-07-02T10:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a period that began while collection was paused is not collected after the pause either',
    facts: { ...rolled, pausedPeriodStart: date('2026-07-01T10:00') },
    now: '2026-07-02T10:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a pause that was over before the period began is forgotten',
    facts: { ...rolled, pausedPeriodStart: date('2026-06-01T10:00') },
    now: '2026-07-02T10:00',
    until: '2026-07-15T10:00',
    reason: 'payment_pending',
  },
  {
    title: 'a period that begins after a break is no renewal under way',
    facts: {
      currentPeriodStart: date('2026-07-05T10:00'),
      currentPeriodEnd: date('2026-08-05T10:00'),
    },
    now: '2026-07-05T10:01',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a payment under way lasts no longer than a cancellation lets it',
    facts: { ...rolled, cancelAt: date('2026-07-05T10:00') },
    now: '2026-07-02T10:00',
    until: '2026-07-05T10:00',
    reason: 'payment_pending',
  },
  {
    title: 'a first debit that came back ends what was given on trust, and nothing is under way',
    facts: {
      paidUntil: date('2026-06-04T10:00'),
      firstUnpaidAt: date('2026-06-04T10:00'),
      latestInvoiceStatus: 'void',
    },
    now: '2026-06-04T10:01',
    until: '2026-06-04T10:00',
    reason: 'none',
  },
  {
    title: 'nor does a second month that is with the bank give anything after it',
    facts: {
      ...rolled,
      ...billed('open'),
      paidUntil: date('2026-07-01T10:00'),
      firstUnpaidAt: date('2026-07-01T10:00'),
    },
    now: '2026-07-02T10:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'a debit that fails after two weeks has its grace from then on',
    facts: { ...rolled, ...failed, pastDueSince: date('2026-07-15T09:00') },
    now: '2026-07-15T10:00',
    until: '2026-07-18T09:00',
    reason: 'grace',
  },
  {
    title: 'the next month that fails is no renewal of this one: no grace',
    facts: { ...failed, pastDueSince: date('2026-08-01T11:00') },
    now: '2026-08-01T12:00',
    until: '2026-07-01T10:00',
    reason: 'none',
  },
  {
    title: 'days that were given as a trial count when they are over, too',
    facts: { ...rolled, paidUntil: date('2026-06-20T10:00'), trialEnd: date('2026-07-01T10:00') },
    now: '2026-07-01T10:30',
    until: '2026-07-15T10:00',
    reason: 'payment_pending',
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

  it('has as many days for a payment under way as the policy gives, and never less than its events may take', () => {
    const subscription = { ...paid, ...rolled };
    const now = date('2026-07-01T12:00');
    expect(premiumUntil(subscription, { ...policy, processingDays: 5 }, now)).to.deep.equal(
      date('2026-07-06T10:00'),
    );
    expect(premiumUntil(subscription, { ...policy, processingDays: 0 }, now)).to.deep.equal(
      date('2026-07-01T16:00'),
    );
  });

  it('is certainly over only where nothing can be under way', () => {
    const certain: Partial<PremiumFacts>[] = [
      { endedAt: date('2026-06-10T00:00') },
      { cancelAt: date('2026-07-01T10:00') },
      { ...rolled, ...billed('void') },
      failed,
      { collectionPaused: true },
      { stripeStatus: 'unpaid', status: 'unpaid' },
    ];
    const uncertain: Partial<PremiumFacts>[] = [{}, rolled, { ...rolled, ...billed('open') }, trial];
    for (const facts of certain) expect(isEndCertain({ ...paid, ...facts })).to.equal(true);
    for (const facts of uncertain) expect(isEndCertain({ ...paid, ...facts })).to.equal(false);
  });
});
