/** What a bank does with a payment. */
export type Outcome =
  | { kind: 'succeeds' }
  | { kind: 'declines'; code: string; declineCode: string | undefined; message: string }
  /** The holder must confirm; possible only while they are there. */
  | { kind: 'authenticates' }
  /** The result comes later, as with SEPA. */
  | { kind: 'settles'; later: 'succeeds' | 'fails' };

/** A way to pay whose behaviour is known in advance, like Stripe's test cards. */
export interface TestCard {
  readonly number: string;
  readonly label: string;
  readonly type: 'card' | 'sepa_debit';
  readonly brand: string;
  /** The holder is at the keyboard. */
  readonly present: Outcome;
  /** A renewal, or a retry of one. */
  readonly absent: Outcome;
}

const SUCCEEDS: Outcome = { kind: 'succeeds' };
const AUTHENTICATES: Outcome = { kind: 'authenticates' };
const DECLINED = declines('card_declined', 'generic_decline', 'Your card was declined.');
const INSUFFICIENT = declines('card_declined', 'insufficient_funds', 'Your card has insufficient funds.');

/** The cards that the hosted pages offer and the control API takes, by number. */
export const CARDS = {
  succeeds: card('4242424242424242', 'Visa qui réussit', SUCCEEDS, SUCCEEDS),
  declined: card('4000000000000002', 'Visa refusée', DECLINED, DECLINED),
  insufficientFunds: card('4000000000009995', 'Visa sans provision', INSUFFICIENT, INSUFFICIENT),
  authentication: card(
    '4000002500003155',
    'Visa avec 3D Secure au premier paiement',
    AUTHENTICATES,
    SUCCEEDS,
  ),
  alwaysAuthentication: card(
    '4000002760003184',
    'Visa avec 3D Secure à chaque paiement',
    AUTHENTICATES,
    AUTHENTICATES,
  ),
  failsLater: card('4000000000000341', 'Visa refusée au renouvellement', SUCCEEDS, DECLINED),
  lost: only(
    '4000000000009987',
    'Visa perdue',
    declines('card_declined', 'lost_card', 'Your card was declined.'),
  ),
  expired: only(
    '4000000000000069',
    'Visa expirée',
    declines('expired_card', undefined, 'Your card has expired.'),
  ),
  wrongCvc: only(
    '4000000000000127',
    'Visa au code erroné',
    declines('incorrect_cvc', undefined, "Your card's security code is incorrect."),
  ),
  sepaSucceeds: sepa('FR7630006000011234567890189', 'Prélèvement SEPA qui réussit', 'succeeds'),
  sepaFails: sepa('FR7630006000011234567890190', 'Prélèvement SEPA rejeté', 'fails'),
  sepaFailsLater: sepa(
    'FR7630006000011234567890191',
    'Prélèvement SEPA rejeté au renouvellement',
    'succeeds',
    'fails',
  ),
} as const satisfies Record<string, TestCard>;

/** Stripe's own names for ready-made test payment methods. */
const TEST_PAYMENT_METHODS: Record<string, TestCard> = {
  pm_card_visa: CARDS.succeeds,
  pm_card_chargeDeclined: CARDS.declined,
  pm_card_visa_chargeDeclined: CARDS.declined,
  pm_card_chargeDeclinedInsufficientFunds: CARDS.insufficientFunds,
  pm_card_visa_chargeDeclinedInsufficientFunds: CARDS.insufficientFunds,
  pm_card_authenticationRequiredOnSetup: CARDS.authentication,
  pm_card_authenticationRequired: CARDS.alwaysAuthentication,
  pm_card_threeDSecure2Required: CARDS.alwaysAuthentication,
  pm_card_chargeCustomerFail: CARDS.failsLater,
};

const BY_NUMBER = new Map<string, TestCard>(Object.values(CARDS).map((each) => [each.number, each]));

/** Finds a card by number (spaces allowed), by its name in CARDS, or by Stripe's `pm_card_…`. */
export function findCard(name: string): TestCard | undefined {
  const named: Record<string, TestCard> = CARDS;
  return (
    BY_NUMBER.get(name.replaceAll(' ', '')) ??
    (Object.hasOwn(named, name) ? named[name] : testPaymentMethod(name))
  );
}

/** The card behind one of Stripe's ready-made ids, such as `pm_card_visa`. */
export function testPaymentMethod(id: string): TestCard | undefined {
  return Object.hasOwn(TEST_PAYMENT_METHODS, id) ? TEST_PAYMENT_METHODS[id] : undefined;
}

function card(number: string, label: string, present: Outcome, absent: Outcome): TestCard {
  return { number, label, type: 'card', brand: 'visa', present, absent };
}

function only(number: string, label: string, outcome: Outcome): TestCard {
  return card(number, label, outcome, outcome);
}

function sepa(
  number: string,
  label: string,
  first: 'succeeds' | 'fails',
  renewal: 'succeeds' | 'fails' = first,
): TestCard {
  const present: Outcome = { kind: 'settles', later: first };
  const absent: Outcome = { kind: 'settles', later: renewal };
  return { number, label, type: 'sepa_debit', brand: 'sepa_debit', present, absent };
}

function declines(code: string, declineCode: string | undefined, message: string): Outcome {
  return { kind: 'declines', code, declineCode, message };
}
