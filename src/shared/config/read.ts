import { z } from 'zod';
import { ConfigError } from '../errors.ts';
import { demoOnly } from './production.ts';

/** The environment as a process sees it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One group of variables (`database`, `stripe`, …): a schema from the raw environment to a typed object. */
export type ConfigPart = z.ZodType;

/**
 * Reads the groups a process uses into one frozen object, once, at start.
 * A variable that is set to the empty string counts as missing. In production what only a demo may have is refused.
 * @throws {ConfigError} naming every missing or malformed variable of every group at once
 */
export function readConfig<P extends Record<string, ConfigPart>>(
  parts: P,
  environment: Environment,
): { readonly [K in keyof P]: z.output<P[K]> } {
  const given = Object.fromEntries(
    Object.entries(environment)
      .map(([name, value]) => [name, value?.trim()])
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const problems = new Set<string>();
  const config: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(parts)) {
    const result = part.safeParse(given);
    if (result.success) {
      config[name] = result.data;
      continue;
    }
    for (const issue of result.error.issues) problems.add(describe(issue, given));
  }
  for (const problem of demoOnly(Object.values(parts), given)) problems.add(problem);
  if (problems.size > 0) throw new ConfigError([...problems]);
  return Object.freeze(config) as { readonly [K in keyof P]: z.output<P[K]> };
}

/** A group that only some processes use: where it is not used, none of its variables is looked at. */
export function usedIf<P extends ConfigPart>(used: boolean, part: P): P | typeof unused {
  return used ? part : unused;
}

const unused = z.unknown().transform(() => undefined);

/** Names the variable and what is wrong with it, never its value: it may be a secret. */
function describe(issue: z.core.$ZodIssue, given: Record<string, unknown>): string {
  const variable = issue.path.join('.');
  if (variable === '') return issue.message;
  return given[variable] === undefined ? `${variable} is missing` : `${variable} ${issue.message}`;
}
