import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { DatabaseTls } from '../config/index.ts';

/** What node-postgres hands on to `tls.connect`. */
export type TlsOptions = {
  rejectUnauthorized: boolean;
  ca?: string[];
  checkServerIdentity?: (name: string, certificate: PeerCertificate) => Error | undefined;
};

/**
 * @param host whom the certificate has to name; Node itself would take `localhost` for it when that is an IP address
 */
export function tlsOptions(tls: DatabaseTls | undefined, host: string): TlsOptions | false {
  if (tls === undefined) return false;
  if (tls.checks === 'nothing') return { rejectUnauthorized: false };
  return {
    rejectUnauthorized: true,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    checkServerIdentity: (_name, certificate) =>
      tls.checks === 'name' ? checkServerIdentity(host, certificate) : undefined,
  };
}
