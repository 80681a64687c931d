import { authenticationPage } from './authentication.ts';
import { checkoutPage } from './checkout.ts';
import { invoicePage } from './invoice.ts';
import { messagePage } from './layout.ts';
import { showPage, type Visit } from './page.ts';
import { portalPage } from './portal.ts';

const PAGES: { path: RegExp; show: (visit: Visit, id: string) => Promise<void> }[] = [
  { path: /^\/c\/pay\/([^/]+)\/?$/, show: checkoutPage },
  { path: /^\/3ds\/([^/]+)\/?$/, show: authenticationPage },
  { path: /^\/p\/session\/([^/]+)\/?$/, show: portalPage },
  { path: /^\/i\/([^/]+)(?:\/pdf)?\/?$/, show: invoicePage },
];

/** Serves whatever is neither the API nor the control API. */
export async function servePage(visit: Visit): Promise<void> {
  for (const { path, show } of PAGES) {
    const match = path.exec(visit.url.pathname);
    if (match?.[1]) return show(visit, decodeURIComponent(match[1]));
  }
  showPage(
    visit,
    messagePage('Page introuvable', 'Il n’y a rien à cette adresse du bac à sable.', null),
    404,
  );
}
