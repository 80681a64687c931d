import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { openApi, type Response } from '../../../src/api/openapi/index.ts';

/** One answer, as far as the description says something about it. */
export type Answered = { method: string; path: string; status: number; headers: Headers; body: unknown };

const ajv = new Ajv2020({ allErrors: true });
addFormats.default(ajv);

const compiled = new Map<object, ValidateFunction>();

/** Answers that were held against the description, as `get /health 200`. */
export const checkedAnswers = new Set<string>();

const TEMPLATES = Object.keys(openApi.paths).map((path) => ({
  path,
  pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`),
}));

/**
 * Holds an answer of the web process against its description.
 * @throws {Error} when it has another status, header or shape than described
 */
export function checkAnswer({ method, path, status, headers, body }: Answered): void {
  const { pathname } = new URL(path, 'http://web');
  // A path without parameters goes before one with: `/sync` is not `/sync/{user_id}`.
  const template = TEMPLATES.find(({ pattern }) => pattern.test(pathname))?.path;
  const operation = template && openApi.paths[template]?.[method.toLowerCase() as 'get'];
  if (!operation) {
    // What is not described answers that it is not there.
    if (method !== 'OPTIONS' && status !== 404 && status !== 405 && !pathname.startsWith('/admin/queues/')) {
      throw new Error(`${method} ${pathname} answered ${status} and is not described`);
    }
    return;
  }
  const name = `${method.toLowerCase()} ${template} ${status}`;
  const described: Response | undefined = operation.responses[status];
  if (described === undefined) throw new Error(`${name} is not described: ${JSON.stringify(body)}`);
  checkHeaders(name, described, headers);
  checkBody(name, described, headers.get('content-type'), body);
  checkedAnswers.add(name);
}

function checkHeaders(name: string, described: Response, headers: Headers): void {
  for (const [header, { required, schema }] of Object.entries(described.headers ?? {})) {
    const value = headers.get(header);
    if (value === null) {
      if (required) throw new Error(`${name} has no ${header}`);
    } else if (!validatorOf(schema)(value)) throw new Error(`${name} has ${header}: ${value}`);
  }
}

function checkBody(name: string, described: Response, contentType: string | null, body: unknown): void {
  if (described.content === undefined) return;
  const type = contentType?.split(';')[0] ?? '';
  const media = described.content[type];
  if (media === undefined) throw new Error(`${name} is ${type}, which is not described`);
  const validate = validatorOf(media.schema);
  if (validate(body)) return;
  const problems = validate.errors?.map((error) => `${error.instancePath} ${error.message}`).join('; ');
  throw new Error(`${name} is not as described: ${problems}\n${JSON.stringify(body)}`);
}

function validatorOf(schema: object): ValidateFunction {
  const known = compiled.get(schema);
  if (known) return known;
  const validate = ajv.compile(schema);
  compiled.set(schema, validate);
  return validate;
}
