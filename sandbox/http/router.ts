import type { z } from 'zod';
import type { World } from '../world.ts';
import type { FormHash } from './form.ts';
import { readParams } from './params.ts';

type Method = 'GET' | 'POST' | 'DELETE';

/** What a handler gets besides its checked parameters. */
export interface Call {
  world: World;
  /** The path's `:id`, or ''. */
  id: string;
}

export interface Route {
  readonly method: Method;
  readonly segments: string[];
  readonly handle: (call: Call, form: FormHash) => object;
}

/** One endpoint of the API: synchronous, so that a request is one step nothing can interleave with. */
export function route<S extends z.ZodType>(
  method: Method,
  path: string,
  schema: S,
  handle: (params: z.output<S>, call: Call) => object,
): Route {
  return {
    method,
    segments: path.split('/').slice(1),
    handle: (call, form) => handle(readParams(schema, form), call),
  };
}

export class Router {
  #byShape = new Map<string, Route[]>();

  constructor(routes: Route[]) {
    for (const each of routes) {
      const shape = shapeOf(each.method, each.segments);
      this.#byShape.set(shape, [...(this.#byShape.get(shape) ?? []), each]);
    }
  }

  /** @param path without query; a trailing slash is ignored */
  match(method: string, path: string): { route: Route; id: string } | null {
    const segments = path.replace(/\/$/, '').split('/').slice(1);
    for (const candidate of this.#byShape.get(shapeOf(method, segments)) ?? []) {
      const id = matchSegments(candidate.segments, segments);
      if (id !== null) return { route: candidate, id };
    }
    return null;
  }
}

function shapeOf(method: string, segments: string[]): string {
  return `${method} ${segments.length} ${segments[1] ?? ''}`;
}

function matchSegments(pattern: string[], segments: string[]): string | null {
  let id = '';
  for (const [index, part] of pattern.entries()) {
    const given = segments[index] ?? '';
    if (part === ':id') id = decodeURIComponent(given);
    else if (part !== given) return null;
  }
  return id;
}
