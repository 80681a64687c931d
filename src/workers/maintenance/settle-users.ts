import { type Committed, inUnitOfWork, type UnitOfWorkDeps } from '../events/unit-of-work.ts';

/** Works out these users' premium again from their subscriptions, and announces what that changes. */
export function settleUsers(deps: UnitOfWorkDeps, userIds: readonly number[]): Promise<Committed> {
  return inUnitOfWork(
    deps,
    userIds.map((user) => ({ user })),
    [],
    async (ledger) => {
      ledger.correlationId = 'settle';
      for (const userId of userIds) ledger.touchUser(userId);
    },
  );
}
