import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';

/** Every file of the page. Nothing else is ever served, so there is no path to escape from. */
const FILES: Readonly<Record<string, { file: string; type: string }>> = {
  '/': { file: 'index.html', type: 'text/html' },
  '/style.css': { file: 'style.css', type: 'text/css' },
  '/app.js': { file: 'app.js', type: 'text/javascript' },
  '/api.js': { file: 'api.js', type: 'text/javascript' },
  '/format.js': { file: 'format.js', type: 'text/javascript' },
  '/live.js': { file: 'live.js', type: 'text/javascript' },
  '/view.js': { file: 'view.js', type: 'text/javascript' },
  '/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
};

const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** Answers with a file of the page. @returns false when there is none at this path */
export async function sendPage(path: string, response: ServerResponse): Promise<boolean> {
  const entry = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (entry === undefined) return false;
  const body = await readFile(new URL(`../page/${entry.file}`, import.meta.url));
  response.writeHead(200, { ...HEADERS, 'content-type': `${entry.type}; charset=utf-8` });
  response.end(body);
  return true;
}
