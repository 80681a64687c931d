import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toError } from '../src/shared/errors.ts';
import { RigError } from './errors.ts';
import { createPrivateDir } from './private-dir.ts';

const run = promisify(execFile);

/** Paths of PEM files. */
export type Certificates = {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  close(): Promise<void>;
};

/**
 * Makes an authority of our own and a certificate for 127.0.0.1 and localhost that it signed, valid for a day.
 * @throws {RigError} without openssl
 */
export async function createCertificates(): Promise<Certificates> {
  const directory = createPrivateDir('certificates');
  const path = (name: string): string => join(directory.path, name);
  const openssl = (...args: string[]) => run('openssl', args, { cwd: directory.path });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    await writeFile(path('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    await openssl(
      ...['req', '-x509', ...newKey, '-days', '1', '-subj', '/CN=Matcha test authority'],
      ...['-keyout', 'ca.key', '-out', 'ca.pem'],
    );
    await openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
    await openssl(
      ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-days', '1', '-extfile', 'names', '-out', 'server.pem'],
    );
  } catch (thrown) {
    await directory.remove();
    throw new RigError(`openssl could not make certificates: ${toError(thrown).message}`, { cause: thrown });
  }
  return {
    ca: path('ca.pem'),
    cert: path('server.pem'),
    key: path('server.key'),
    close: () => directory.remove(),
  };
}
