import { emit } from '../events/emit.ts';
import { snapshot } from '../state/snapshot.ts';
import type { StoredPaymentMethod, StoredSetupIntent } from '../state/tables.ts';
import type { World } from '../world.ts';

/** Saves a payment method for later without taking money; cards that are always declined refuse that too. */
export function confirmSetup(
  world: World,
  customer: string | null,
  method: StoredPaymentMethod,
): StoredSetupIntent {
  const id = `seti_1${world.ids.text(23)}`;
  const outcome = world.tables.cards.get(method.id)?.present;
  const declined = outcome?.kind === 'declines';
  const setup: StoredSetupIntent = {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: null,
    application: null,
    automatic_payment_methods: null,
    cancellation_reason: null,
    client_secret: `${id}_secret_${world.ids.text(25)}`,
    created: world.clock.now,
    customer,
    description: null,
    excluded_payment_method_types: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: {},
    next_action: null,
    on_behalf_of: null,
    payment_method: declined ? null : method.id,
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: ['card'],
    single_use_mandate: null,
    status: 'requires_payment_method',
    usage: 'off_session',
  };
  world.tables.setupIntents.insert(setup);
  emit(world, 'setup_intent.created', setup);
  if (declined) {
    setup.last_setup_error = {
      type: 'card_error',
      code: outcome.code,
      decline_code: outcome.declineCode,
      message: outcome.message,
      payment_method: snapshot(method),
    };
    emit(world, 'setup_intent.setup_failed', setup);
    return setup;
  }
  setup.status = 'succeeded';
  emit(world, 'setup_intent.succeeded', setup);
  return setup;
}
