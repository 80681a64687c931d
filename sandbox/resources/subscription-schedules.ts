import { z } from 'zod';
import { isOver } from '../billing/canceling.ts';
import {
  cancelSchedule,
  changeSchedule,
  type PhaseDraft,
  phaseEnd,
  releaseSchedule,
  scheduleAhead,
  scheduleFrom,
} from '../billing/scheduling.ts';
import { ApiError } from '../http/errors.ts';
import { pageOf, where } from '../http/lists.ts';
import { flag, ignored, isWithin, metadata, paging, text, times, whole } from '../http/params.ts';
import { type Route, route } from '../http/router.ts';
import type { StoredSchedule } from '../state/tables.ts';
import type { World } from '../world.ts';
import { findCustomer, findPrice, findSubscription, found } from './find.ts';
import { mergeMetadata } from './metadata.ts';

const phase = z.strictObject({
  items: z
    .array(
      z.strictObject({
        price: text,
        quantity: whole.optional(),
        discounts: ignored.optional(),
        metadata: ignored.optional(),
        tax_rates: ignored.optional(),
      }),
    )
    .min(1),
  start_date: z.union([z.literal('now'), whole]).optional(),
  end_date: z.union([z.literal('now'), whole]).optional(),
  duration: z
    .strictObject({ interval: z.enum(['day', 'week', 'month', 'year']), interval_count: whole.optional() })
    .optional(),
  proration_behavior: z.enum(['create_prorations', 'always_invoice', 'none']).optional(),
  billing_cycle_anchor: z.enum(['automatic', 'phase_start']).optional(),
  trial_end: whole.optional(),
  metadata: metadata.optional(),
  automatic_tax: ignored.optional(),
  collection_method: ignored.optional(),
  currency: ignored.optional(),
  default_payment_method: ignored.optional(),
  default_tax_rates: ignored.optional(),
  description: ignored.optional(),
  discounts: ignored.optional(),
  invoice_settings: ignored.optional(),
});
type GivenPhase = z.output<typeof phase>;

const common = {
  end_behavior: z.enum(['release', 'cancel']).optional(),
  metadata: metadata.optional(),
  phases: z.array(phase).min(1).max(10).optional(),
  default_settings: ignored.optional(),
};
const create = z.strictObject({
  ...common,
  customer: text.optional(),
  from_subscription: text.optional(),
  start_date: z.union([z.literal('now'), whole]).optional(),
  billing_mode: ignored.optional(),
});
const change = z.strictObject({ ...common, proration_behavior: ignored.optional() });

const PATH = '/v1/subscription_schedules';

export const subscriptionScheduleRoutes: Route[] = [
  route('POST', PATH, create, (params, { world }) => createSchedule(world, params)),
  route(
    'GET',
    PATH,
    z.strictObject({
      ...paging,
      created: times.optional(),
      customer: text.optional(),
      scheduled: flag.optional(),
      canceled_at: times.optional(),
      completed_at: times.optional(),
      released_at: times.optional(),
    }),
    (params, { world }) =>
      pageOf(
        PATH,
        where(
          world.tables.schedules.newest(),
          (each) =>
            (params.customer === undefined || each.customer === params.customer) &&
            (params.scheduled !== true || each.status === 'not_started') &&
            isWithin(each.created, params.created) &&
            (params.canceled_at === undefined || isWithin(each.canceled_at ?? -1, params.canceled_at)) &&
            (params.completed_at === undefined || isWithin(each.completed_at ?? -1, params.completed_at)) &&
            (params.released_at === undefined || isWithin(each.released_at ?? -1, params.released_at)),
        ),
        params,
      ),
  ),
  route('GET', `${PATH}/:id`, z.strictObject({}), (_params, { world, id }) => findSchedule(world, id)),
  route('POST', `${PATH}/:id`, change, (params, { world, id }) => {
    const schedule = findSchedule(world, id);
    mustBeOpen(schedule, 'updated');
    const phases = params.phases && readPhases(world, params.phases, currentStart(schedule));
    schedule.metadata = mergeMetadata(schedule.metadata ?? {}, params.metadata);
    changeSchedule(world, schedule, { phases, endBehavior: params.end_behavior });
    return schedule;
  }),
  route(
    'POST',
    `${PATH}/:id/release`,
    z.strictObject({ preserve_cancel_date: flag.optional() }),
    (params, { world, id }) => {
      const schedule = findSchedule(world, id);
      mustBeOpen(schedule, 'released');
      releaseSchedule(world, schedule, params.preserve_cancel_date ?? false);
      return schedule;
    },
  ),
  route(
    'POST',
    `${PATH}/:id/cancel`,
    z.strictObject({ invoice_now: flag.optional(), prorate: flag.optional() }),
    (params, { world, id }) => {
      const schedule = findSchedule(world, id);
      mustBeOpen(schedule, 'canceled');
      // Unlike a subscription's own cancellation, this one bills unless told not to.
      cancelSchedule(world, schedule, {
        invoiceNow: params.invoice_now ?? true,
        prorate: params.prorate ?? true,
      });
      return schedule;
    },
  ),
];

function createSchedule(world: World, params: z.output<typeof create>): StoredSchedule {
  const { from_subscription: from, ...others } = params;
  if (from === undefined) {
    if (!params.customer)
      throw ApiError.invalid('Missing required param: customer.', 'customer', 'parameter_missing');
    if (!params.phases)
      throw ApiError.invalid('Missing required param: phases.', 'phases', 'parameter_missing');
    const start = typeof params.start_date === 'number' ? params.start_date : world.clock.now;
    const phases = readPhases(world, params.phases, start);
    const customer = findCustomer(world, params.customer, 'customer').id;
    return scheduleAhead(world, customer, { phases, endBehavior: params.end_behavior ?? 'release' });
  }
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other) {
    throw ApiError.invalid(`You cannot set \`${other}\` if \`from_subscription\` is set.`, other);
  }
  const subscription = findSubscription(world, from, 'from_subscription');
  if (isOver(subscription)) {
    throw ApiError.invalid(
      'You cannot migrate a subscription that is already canceled.',
      'from_subscription',
    );
  }
  if (subscription.status === 'paused') {
    throw ApiError.invalid('You cannot attach a schedule to a paused subscription.', 'from_subscription');
  }
  if (subscription.schedule) {
    throw ApiError.invalid(
      'You cannot migrate a subscription that is already attached to a schedule.',
      'from_subscription',
    );
  }
  return scheduleFrom(world, subscription);
}

function readPhases(world: World, given: GivenPhase[], start: number): PhaseDraft[] {
  let at = start;
  return given.map((each, index) => {
    if (index === 0 && typeof each.start_date === 'number' && each.start_date !== start) {
      throw ApiError.invalid(
        'You can not modify the start date of the current phase.',
        'phases[0][start_date]',
      );
    }
    const from = typeof each.start_date === 'number' ? each.start_date : at;
    if (from !== at) {
      throw ApiError.invalid('Phases must be contiguous.', `phases[${index}][start_date]`);
    }
    const end = endOf(world, each, from, index);
    if (end <= from) {
      throw ApiError.invalid(
        'The end date of a phase must be after its start.',
        `phases[${index}][end_date]`,
      );
    }
    at = end;
    return {
      items: each.items.map(({ price, quantity }, item) => ({
        price: findPrice(world, price, `phases[${index}][items][${item}][price]`),
        quantity: quantity ?? 1,
      })),
      start: from,
      end,
      proration: each.proration_behavior ?? 'create_prorations',
      anchor: each.billing_cycle_anchor ?? null,
      trialEnd: each.trial_end ?? null,
      metadata: mergeMetadata({}, each.metadata),
    };
  });
}

function endOf(world: World, given: GivenPhase, start: number, index: number): number {
  if (given.end_date === 'now') return world.clock.now;
  if (given.end_date !== undefined) return given.end_date;
  if (given.duration) {
    return phaseEnd(start, { ...given.duration, interval_count: given.duration.interval_count ?? 1 });
  }
  throw ApiError.invalid(
    'A phase needs an `end_date` or a `duration`.',
    `phases[${index}]`,
    'parameter_missing',
  );
}

function currentStart(schedule: StoredSchedule): number {
  return schedule.current_phase?.start_date ?? schedule.phases[0]?.start_date ?? 0;
}

function mustBeOpen(schedule: StoredSchedule, what: string): void {
  if (schedule.status === 'active' || schedule.status === 'not_started') return;
  throw ApiError.invalid(
    `You cannot perform this action because the subscription schedule is currently in the \`${schedule.status}\` status: only \`not_started\` and \`active\` ones can be ${what}.`,
  );
}

function findSchedule(world: World, id: string): StoredSchedule {
  return found(world.tables.schedules.get(id), 'subscription schedule', id);
}
