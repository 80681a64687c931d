import { createHash } from 'node:crypto';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { min-height: 100vh; margin: 0; display: grid; place-items: center; }
main { width: min(22rem, 90vw); }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
form { display: grid; gap: .75rem; }
label { display: grid; gap: .25rem; font-size: .9rem; }
input, button { font: inherit; padding: .5rem .75rem; border: 1px solid #8888; border-radius: .4rem; }
button { cursor: pointer; background: #2563eb; border-color: #2563eb; color: #fff; }
[role=alert] { margin: 0 0 1rem; color: #dc2626; }
`;

/** Of {@link STYLE}, for the Content-Security-Policy: no other style applies. */
export const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** @param problem why the last attempt did not succeed; text of ours */
export function loginPage(action: string, problem?: string): string {
  return page(
    'Log in',
    `${problem === undefined ? '' : `<p role="alert">${problem}</p>`}
    <form method="post" action="${action}">
      <label>User <input name="user" autocomplete="username" required autofocus maxlength="200"></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required maxlength="200"></label>
      <button>Log in</button>
    </form>`,
  );
}

export function logoutPage(action: string, back: string): string {
  return page(
    'Log out?',
    `<form method="post" action="${action}"><button>Log out</button></form><p><a href="${back}">Back to the queues</a></p>`,
  );
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title} – Matcha payments</title>
  <style>${STYLE}</style>
</head>
<body>
  <main>
    <h1>${title}</h1>
    ${content}
  </main>
</body>
</html>
`;
}
