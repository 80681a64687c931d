import { startProcess } from '../../../rig/process.ts';
import { INTERNAL_KEY, type World } from './world.ts';

/** A run of an operator's command: what it printed and how it ended. */
export type CommandRun = { code: number | null; lines: readonly string[] };

/** Runs `npm run <command>` as a process of its own against the world's database, queues and Stripe. */
export async function runOperatorCommand(
  world: World,
  command: 'reconcile' | 'backfill' | 'drift',
  args: readonly string[] = [],
): Promise<CommandRun> {
  const process = await startProcess({
    name: command,
    script: `src/workers/commands/${command}.ts`,
    args,
    env: world.environment,
  });
  const { code } = await process.exited;
  return { code, lines: process.lines };
}

/** Asks an admin route of the web process. */
export async function askAdmin(
  world: World,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Record<string, unknown> & { data?: never } }> {
  const response = await fetch(`${world.webUrl}${path}`, {
    method,
    headers: {
      'x-internal-key': INTERNAL_KEY,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, never> };
}
