/** The calls the page makes. Each gives the answer's `data`, or throws {@link ApiError}. */

export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new ApiError(
      response.status,
      answer.code ?? '',
      answer.error ?? `Le serveur a répondu ${response.status}.`,
    );
  }
  return answer.data;
}

export const whoAmI = () => call('GET', '/demo/me');
export const logIn = () => call('POST', '/demo/login', {});
export const logOut = () => call('POST', '/demo/logout');
export const advance = (days) => call('POST', '/demo/advance', { days });
export const subscription = () => call('GET', '/api/stripe/subscription');
export const buy = (plan) => call('POST', '/api/stripe/subscription', { plan_type: plan });
export const cancel = (atPeriodEnd) =>
  call('DELETE', '/api/stripe/subscription', { at_period_end: atPeriodEnd });
export const history = () => call('GET', '/api/stripe/payment/history?limit=20');
export const stats = () => call('GET', '/api/stripe/payment/stats');
export const billingPortal = (returnUrl) =>
  call('GET', `/api/stripe/subscription/billing-portal?return_url=${encodeURIComponent(returnUrl)}`);
