import type { Matcha } from '../rig/matcha.ts';

/** What to do with a demo that runs. */
export function hints(matcha: Matcha): string {
  return `
  The page:         ${matcha.origin}/
  Stripe's sandbox: ${matcha.urls.sandbox}/

  Cards: 4242 4242 4242 4242 succeeds, 4000 0000 0000 0002 is declined,
         4000 0025 0000 3155 asks for 3D Secure, 4000 0000 0000 0341 fails at the first renewal.

  To let a month pass at Stripe, press "+ 1 mois" on the page, or:
    curl -X POST ${matcha.urls.sandbox}/_sandbox/advance -d '{"seconds": 2764800}'

  Ctrl-C stops everything and leaves nothing behind.
`;
}
