/** What must not happen to a request. */
export type Expectation =
  /** It proves nothing: any 2xx would be a hole. */
  | 'refused'
  /** It is as Stripe or a user would send it: it has to be served. */
  | 'served'
  /** Anything but a server error. */
  | 'survived';

/** One request, ready to be written. */
export type FuzzRequest = {
  /** What it tries, for the report. */
  readonly kind: string;
  readonly expect: Expectation;
  readonly server: 'web' | 'gateway';
  readonly method: string;
  readonly bytes: Buffer;
  /** Whether it is framed as it says, so that its connection can be used again. */
  readonly reusable: boolean;
  /** The sending side ends after it, as a client that was cut off does. */
  readonly endAfter?: boolean;
  /** Looks at the body of a 2xx answer; returns what is wrong. */
  readonly inspect?: (body: string) => string | undefined;
};

export type Parts = {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Buffer | string;
};

/** Writes a well-framed request. */
export function write({ method, path, headers, body }: Parts): Buffer {
  const bytes = Buffer.from(body ?? '');
  const length = body === undefined ? [] : ([['Content-Length', String(bytes.length)]] as const);
  const lines = [['Host', '127.0.0.1'], ...length, ...headers].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), bytes]);
}
