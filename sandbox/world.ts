import { Agenda } from './agenda.ts';
import { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { Ids } from './ids.ts';
import type { StoredEvent } from './state/tables.ts';
import { Tables } from './state/tables.ts';

/** The state of one sandbox and what acts on it. Everything that changes it is synchronous. */
export interface World {
  readonly config: Config;
  readonly agenda: Agenda;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly tables: Tables;
  /** Where browsers find the hosted pages; known once the server listens. */
  baseUrl: string;
  /** How long renewals' drafts wait from now on, in seconds: as configured, or as the control face says. */
  finalizationDelaySeconds: number;
  /** The API request being served, which Stripe names in the events it causes. */
  request: { id: string; idempotency_key: string | null } | null;
  /** Called with every new event. */
  onEvent: (event: StoredEvent) => void;
}

export function createWorld(config: Config): World {
  const agenda = new Agenda();
  return {
    config,
    agenda,
    clock: new Clock(agenda, config.startAt, config.frozen),
    ids: new Ids(config.seed),
    tables: new Tables(),
    baseUrl: config.publicUrl ?? `http://${config.host}:${config.port}`,
    finalizationDelaySeconds: config.billing.finalizationDelaySeconds,
    request: null,
    onEvent: () => undefined,
  };
}
