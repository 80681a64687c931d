/** How dates and amounts are written on the page. */

const dateAndTime = new Intl.DateTimeFormat('fr-FR', { dateStyle: 'medium', timeStyle: 'short' });
const dateOnly = new Intl.DateTimeFormat('fr-FR', { dateStyle: 'long' });
const timeOnly = new Intl.DateTimeFormat('fr-FR', { timeStyle: 'medium' });

/** @param {number} amount in major units, as the API gives it; @param {string} currency */
export function money(amount, currency) {
  return new Intl.NumberFormat('fr-FR', { style: 'currency', currency: currency.toUpperCase() }).format(
    amount,
  );
}

/** @param {string} iso */
export function moment(iso) {
  return dateAndTime.format(new Date(iso));
}

/** @param {string} iso */
export function day(iso) {
  return dateOnly.format(new Date(iso));
}

/** @param {Date} date */
export function clock(date) {
  return timeOnly.format(date);
}

/** @param {number} percent from 0 to 100 */
export function percent(percent) {
  return new Intl.NumberFormat('fr-FR', { style: 'percent', maximumFractionDigits: 0 }).format(percent / 100);
}
