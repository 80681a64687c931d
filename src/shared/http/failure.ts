/** What a failed request is answered with, by web and gateway alike. */
export type Failure = { success: false; error: string; code: string };

/** Makes the envelope of a failure. `error` is for developers, in English; `code` for programs. */
export function failure(error: string, code: string): Failure {
  return { success: false, error, code };
}
