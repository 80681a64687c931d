import jwt from 'jsonwebtoken';
import type { Matcha } from '../rig/matcha.ts';

/** How long a login of the demo lasts, in seconds. */
export const LOGIN_SECONDS = 3_600;

export type DemoUser = { readonly id: number; readonly username: string; readonly email: string };

/** Who may log in. The demo knows its people by heart; there is no password to ask for. */
const PEOPLE = {
  camille: {
    username: 'camille',
    firstName: 'Camille',
    lastName: 'Durand',
    email: 'camille@demo.matcha.example',
  },
  noe: { username: 'noe', firstName: 'Noé', lastName: 'Lefèvre', email: 'noe@demo.matcha.example' },
} as const;

export const DEFAULT_PERSON = 'camille';

/** Finds a demo person's row in `users`, or creates it. @returns undefined for a name nobody has */
export async function findOrCreateUser(
  matcha: Pick<Matcha, 'query'>,
  name: string,
): Promise<DemoUser | undefined> {
  if (!isPerson(name)) return undefined;
  const { username, firstName, lastName, email } = PEOPLE[name];
  const [row] = await matcha.query(
    `INSERT INTO users (username, first_name, last_name, email, email_verified) VALUES ($1, $2, $3, $4, true)
     ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id`,
    [username, firstName, lastName, email],
  );
  return { id: Number(row?.id), username: firstName, email };
}

function isPerson(name: string): name is keyof typeof PEOPLE {
  return Object.hasOwn(PEOPLE, name);
}

/** A login token as Matcha's own login service makes them. */
export function createLoginToken(user: DemoUser, secret: string): string {
  return jwt.sign({ scope: 'access', name: user.username, email: user.email }, secret, {
    algorithm: 'HS256',
    subject: String(user.id),
    expiresIn: LOGIN_SECONDS,
  });
}

/** Reads a login token back. @returns undefined when it is not valid (any more) */
export function readLoginToken(token: string, secret: string): DemoUser | undefined {
  try {
    const claims = jwt.verify(token, secret, { algorithms: ['HS256'] });
    if (typeof claims === 'string') return undefined;
    return { id: Number(claims.sub), username: String(claims.name), email: String(claims.email) };
  } catch {
    return undefined;
  }
}
