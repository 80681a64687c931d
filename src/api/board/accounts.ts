import { createSecretCheck, type SecretCheck } from '../../shared/http/constant-time.ts';
import type { Account } from './config.ts';

/** Who may log in to the board. */
export class Accounts {
  readonly #checks: readonly { user: string; isLogin: SecretCheck }[];

  constructor(accounts: readonly Account[]) {
    this.#checks = accounts.map(({ user, password }) => ({
      user,
      isLogin: createSecretCheck([loginOf(user, password)]),
    }));
  }

  /**
   * Always compares with every account, and name and password together: an answer that comes sooner for a wrong name
   * would tell which names there are.
   * @returns whose login it is
   */
  find(user: string, password: string): string | undefined {
    const given = loginOf(user, password);
    const matching = this.#checks.filter(({ isLogin }) => isLogin(given));
    return matching[0]?.user;
  }

  /** Whether there is somebody of that name, for the log: what else is typed there may be a password. */
  has(user: string): boolean {
    return this.#checks.some((each) => each.user === user);
  }
}

function loginOf(user: string, password: string): string {
  return JSON.stringify([user, password]);
}
