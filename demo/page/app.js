/** The demo page of Matcha Premium: what is said over the WebSocket is shown at once, everything else is read again. */
import * as api from './api.js';
import { day } from './format.js';
import { stayConnected } from './live.js';
import { $, addNotice, showLive, showLogin, showPayments, showSubscription } from './view.js';

let disconnect;
let reading;
let again = false;

/** Reads everything again. What is asked for while that is going on is read once more afterwards, never in between. */
function refresh() {
  again = true;
  reading ??= readAll().finally(() => {
    reading = undefined;
  });
  return reading;
}

async function readAll() {
  while (again) {
    again = false;
    const [subscription, history, stats] = await Promise.all([
      api.subscription(),
      api.history(),
      api.stats(),
    ]);
    showSubscription(subscription);
    showPayments(history, stats);
  }
}

function connect() {
  disconnect?.();
  disconnect = stayConnected({
    onState(state) {
      showLive(state);
      if (state === 'open') run(refresh);
      if (state === 'closed' && disconnect) run(checkLogin);
    },
    onMessage({ type, data }) {
      addNotice(type, data ?? {});
      run(refresh);
    },
  });
}

/** Does something for a button: no second click meanwhile, and a failure becomes a notice. */
async function run(work, button) {
  if (button?.ariaBusy === 'true') return;
  if (button) button.ariaBusy = 'true';
  try {
    await work();
  } catch (error) {
    if (error.status === 401) signedOut();
    addNotice('error', { message: error.message });
  } finally {
    if (button) button.ariaBusy = null;
  }
}

/** A refused WebSocket does not say why: a login that has ended is asked for over HTTP. */
async function checkLogin() {
  if ((await api.whoAmI()).user === null) signedOut();
}

function signedIn(user) {
  showLogin(user);
  connect();
}

function signedOut() {
  const stop = disconnect;
  disconnect = undefined;
  stop?.();
  showLogin(null);
}

function onClick(testId, work) {
  const button = $(testId);
  button.addEventListener('click', () => run(work, button));
}

onClick('login', async () => signedIn((await api.logIn()).user));
onClick('logout', async () => {
  await api.logOut();
  location.assign('/');
});
onClick('billing-portal', async () => {
  location.assign((await api.billingPortal(`${location.origin}/`)).url);
});
onClick('cancel-at-period-end', async () => {
  await api.cancel(true);
  await refresh();
});
$('cancel-now').addEventListener('click', () => $('confirm-dialog').showModal());
$('confirm-dialog').addEventListener('close', ({ target }) => {
  if (target.returnValue !== 'yes') return;
  target.returnValue = '';
  run(async () => {
    await api.cancel(false);
    await refresh();
  });
});
for (const plan of ['mensuel', 'annuel']) {
  onClick(`buy-${plan}`, async () => location.assign((await api.buy(plan)).url));
}

for (const [testId, days] of [
  ['advance-day', 1],
  // A renewal is paid about an hour after its period has begun.
  ['advance-month', 32],
]) {
  onClick(testId, async () => {
    const { now } = await api.advance(days);
    addNotice('clock', { message: `Chez Stripe, nous sommes le ${day(now)}.` });
  });
}

/** Says how the visit to Stripe's page went, once. */
function announceReturn() {
  const outcome = new URLSearchParams(location.search).get('checkout');
  if (outcome === null) return;
  addNotice('checkout', {
    message:
      outcome === 'success' ? 'Paiement envoyé. Premium s’active dans un instant…' : 'Paiement abandonné.',
  });
  history.replaceState(null, '', '/');
}

announceReturn();
run(async () => {
  const { user } = await api.whoAmI();
  if (user) signedIn(user);
  else showLogin(null);
});
