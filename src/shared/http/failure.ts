/** What a failed request is answered with, by web and gateway alike. */
export type Failure = {
  success: false;
  error: string;
  code: string;
  data?: Readonly<Record<string, unknown>>;
};

/** Makes the envelope of a failure. `error` is for developers, in English; `code` and `data` are for programs. */
export function failure(error: string, code: string, data?: Failure['data']): Failure {
  return { success: false, error, code, ...(data === undefined ? {} : { data }) };
}
