import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { utcTimestamp } from './columns.ts';

/** What a long maintenance run remembers: where to go on after a stop, and what its last run found. */
export const MaintenanceState = defineEntity({
  name: 'MaintenanceState',
  tableName: 'maintenance_state',
  properties: {
    name: p.string().length(50).primary(),
    data: p.json<Record<string, unknown>>(),
    updatedAt: utcTimestamp(),
  },
});
export type MaintenanceState = InferEntity<typeof MaintenanceState>;
