import { CARDS } from '../billing/cards.ts';
import { html, type Markup } from './html.ts';

/** Radio buttons for the test cards; the value is the card's number. */
export function cardChoice(legend: string, chosen: string | null): Markup {
  const selected = chosen ?? CARDS.succeeds.number;
  return html`<fieldset>
<legend>${legend}</legend>
<div class="choices">${Object.entries(CARDS).map(
    ([name, card]) => html`
<label class="choice"><input type="radio" name="card" value="${card.number}" data-testid="card-${name}"${
      card.number === selected && html` checked`
    }><span>${card.label}<span class="number">${card.number.replace(/(.{4})/g, '$1 ').trim()}</span></span></label>`,
  )}
</div>
</fieldset>`;
}
