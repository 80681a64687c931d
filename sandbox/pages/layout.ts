import { html, Markup } from './html.ts';
import { STYLES } from './styles.ts';

// A second press while Checkout waits for the webhook would be a second attempt to pay.
const BUSY_SCRIPT = `for (const form of document.forms) form.addEventListener('submit', (event) => {
  if (form.dataset.busy) { event.preventDefault(); return; }
  form.dataset.busy = 'yes';
  const button = event.submitter;
  if (button && button.dataset.busyText) { button.setAttribute('aria-busy', 'true'); button.textContent = button.dataset.busyText; }
});
addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });`;

/** A whole page. */
export function layout(title: string, content: Markup): string {
  return html`<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Matcha</title>
<style>${new Markup(STYLES)}</style>
</head>
<body>
<header class="top"><span class="brand"><span class="leaf" aria-hidden="true"></span>Matcha</span><span class="badge">Environnement de test</span></header>
<main>${content}</main>
<footer>Paiement simulé : aucune carte réelle, aucun débit.</footer>
<script>${new Markup(BUSY_SCRIPT)}</script>
</body>
</html>`.text;
}

/** A page that only says something. */
export function messagePage(
  title: string,
  text: string,
  link: { href: string; label: string } | null,
): string {
  return layout(
    title,
    html`<section class="card narrow center">
<h1>${title}</h1>
<p class="muted">${text}</p>
${link && html`<p><a class="button quiet" href="${link.href}">${link.label}</a></p>`}
</section>`,
  );
}
