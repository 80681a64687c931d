import type Stripe from 'stripe';
import { PRICES } from '../../rig/matcha-environment.ts';
import type { Sandbox } from '../../sandbox/index.ts';
import type { Random } from '../random.ts';

type Subscription = { readonly id: string; ending: boolean; over: boolean };

/** What one user does at Stripe, step by step; which step comes next is drawn. */
export class Member {
  readonly userId: number;
  readonly #sandbox: Sandbox;
  readonly #stripe: Stripe;
  readonly #random: Random;
  readonly #subscriptions: Subscription[] = [];
  readonly #refunds: string[] = [];
  readonly #disputes: string[] = [];
  #customer = '';

  constructor(userId: number, sandbox: Sandbox, stripe: Stripe, random: Random) {
    this.userId = userId;
    this.#sandbox = sandbox;
    this.#stripe = stripe;
    this.#random = random;
  }

  get email(): string {
    return `user-${this.userId}@example.com`;
  }

  /**
   * Does something. What Stripe refuses (a charge that is refunded already, a subscription that has ended) is part
   * of life.
   * @returns what it was
   */
  async step(): Promise<string> {
    const live = this.#subscriptions.findLast(({ over }) => !over);
    const [what, act] = live ? this.#drawFor(live) : (['buys', () => this.#buy()] as const);
    try {
      await act();
      return what;
    } catch (thrown) {
      return `${what}, refused: ${thrown instanceof Error ? thrown.message.slice(0, 120) : thrown}`;
    }
  }

  #drawFor(live: Subscription): readonly [string, () => Promise<void> | void] {
    const { id: subscription } = live;
    const sandbox = this.#sandbox;
    const { chance } = { chance: (share: number) => this.#random.chance(share) };
    return this.#random.weighted<readonly [string, () => Promise<void> | void]>([
      [
        3,
        [
          'cancels at the period end',
          () => {
            sandbox.cancelAtPeriodEnd({ subscription });
            live.ending = true;
          },
        ],
      ],
      [
        live.ending ? 4 : 0,
        [
          'takes the cancellation back',
          () => {
            sandbox.resume({ subscription });
            live.ending = false;
          },
        ],
      ],
      [
        1.5,
        [
          'cancels now',
          () => {
            live.over = true;
            sandbox.cancelNow({ subscription });
          },
        ],
      ],
      [
        2,
        [
          'changes the plan',
          () => {
            sandbox.changePlan({ subscription, price: chance(0.5) ? PRICES.annuel : PRICES.mensuel });
          },
        ],
      ],
      [
        2,
        [
          'is refunded',
          () => {
            const amount = chance(0.5) ? { amount: this.#random.between(1, 300) } : {};
            this.#refunds.push(sandbox.refund({ of: subscription, ...amount }).id);
          },
        ],
      ],
      [
        this.#refunds.length > 0 ? 0.7 : 0,
        ['sees a refund fail', () => void sandbox.failRefund({ refund: this.#refunds.pop() ?? '' })],
      ],
      [0.7, ['disputes', () => void this.#disputes.push(sandbox.openDispute({ of: subscription }).id)]],
      [
        this.#disputes.length > 0 ? 2 : 0,
        [
          'sees a dispute closed',
          () =>
            void sandbox.closeDispute({
              dispute: this.#disputes.pop() ?? '',
              outcome: chance(0.5) ? 'won' : 'lost',
            }),
        ],
      ],
      [
        1.5,
        [
          'changes the card',
          () => {
            const card = this.#random.pick([
              'succeeds',
              'failsLater',
              'insufficientFunds',
              'alwaysAuthentication',
            ]);
            sandbox.setCard({ customer: this.#customer, card });
          },
        ],
      ],
      [0.3, ['buys once more', () => this.#buy()]],
    ]);
  }

  async #buy(): Promise<void> {
    if (this.#customer === '') {
      const made = await this.#stripe.customers.create({
        email: this.email,
        metadata: { user_id: String(this.userId) },
      });
      this.#customer = made.id;
    }
    const plan = this.#random.pick(['mensuel', 'annuel'] as const);
    const trial = this.#random.chance(0.15);
    const card = this.#random.pick([
      'succeeds',
      'succeeds',
      'succeeds',
      'failsLater',
      'authentication',
      'declined',
    ]);
    const metadata = { user_id: String(this.userId), plan_type: plan };
    const session = await this.#stripe.checkout.sessions.create({
      mode: 'subscription',
      line_items: [{ price: PRICES[plan], quantity: 1 }],
      success_url: 'https://matcha.example/merci',
      customer: this.#customer,
      client_reference_id: String(this.userId),
      metadata,
      subscription_data: { metadata, ...(trial ? { trial_period_days: 7 } : {}) },
    });
    const paid = this.#sandbox.completeCheckout({
      session: session.id,
      email: this.email,
      card,
      authenticate: true,
    });
    if (paid.outcome !== 'complete') throw new Error(`the payment ended as ${paid.outcome}`);
    this.#subscriptions.push({ id: String(paid.session.subscription), ending: false, over: false });
  }
}
