import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import type { z } from 'zod';

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

type Given = {
  DB_HOST: string;
  DB_SSLMODE: (typeof SSL_MODES)[number];
  DB_SSLROOTCERT?: string | undefined;
  NODE_ENV?: string | undefined;
};

/** How a connection to PostgreSQL is encrypted. */
export type DatabaseTls = {
  /** What of the server's certificate is checked: nothing, who signed it, or that and whom it names. */
  readonly checks: 'nothing' | 'authority' | 'name';
  /** PEM of the authorities that count; Node's own when absent. */
  readonly ca?: string[];
};

/**
 * libpq's modes (https://www.postgresql.org/docs/current/libpq-ssl.html) as node-postgres can do them: `prefer` and
 * `allow` are plain here, since it cannot fall back. As in libpq, `require` with a root certificate is `verify-ca`, and
 * `DB_SSLROOTCERT=system` is for `verify-full` only: anybody can get a certificate that the system trusts.
 * @returns undefined for connections that are not encrypted
 */
export function databaseTls(env: Given, context: z.RefinementCtx): DatabaseTls | undefined {
  const { DB_SSLMODE: mode, DB_SSLROOTCERT: root } = env;
  if (mode !== 'require' && mode !== 'verify-ca' && mode !== 'verify-full') return undefined;
  if (root === 'system' && mode !== 'verify-full') {
    refuse(
      context,
      'must be a file unless DB_SSLMODE is verify-full: the system trusts everybody’s certificates',
    );
    return undefined;
  }
  const ca = root === undefined ? undefined : authorities(root, context);
  if (mode === 'require' && root === undefined) return { checks: 'nothing' };
  return { checks: mode === 'verify-full' ? 'name' : 'authority', ...(ca === undefined ? {} : { ca }) };
}

/** What production is warned of: a way to PostgreSQL on which somebody could read or answer in its place. */
export function databaseRisk(env: Given, tls: DatabaseTls | undefined): string | undefined {
  const isOnThisMachine = /^(?:\/|localhost$|127\.|::1$)/.test(env.DB_HOST);
  if (env.NODE_ENV !== 'production' || isOnThisMachine) return undefined;
  const remedy = 'set DB_SSLMODE=verify-full, and DB_SSLROOTCERT for an authority of your own';
  if (tls === undefined)
    return `DB_SSLMODE=${env.DB_SSLMODE} encrypts nothing on the way to PostgreSQL: ${remedy}`;
  if (tls.checks === 'nothing') {
    return `DB_SSLMODE=${env.DB_SSLMODE} encrypts and checks nothing, so that anybody on the way can be PostgreSQL: ${remedy}`;
  }
  return undefined;
}

function authorities(root: string, context: z.RefinementCtx): string[] | undefined {
  if (root === 'system') return getCACertificates('system');
  try {
    const pem = readFileSync(root, 'utf8');
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return [pem];
  } catch {
    // Said below: it is no such file either way.
  }
  refuse(context, 'must be the path of a readable PEM file with certificates, or system');
  return undefined;
}

function refuse(context: z.RefinementCtx, message: string): void {
  context.addIssue({ code: 'custom', path: ['DB_SSLROOTCERT'], message });
}
