import http from 'node:http';
import https from 'node:https';

/** How an endpoint answered, or why it did not. */
export interface Answer {
  /** HTTP status, or null without an answer. */
  status: number | null;
  error: string | null;
}

/** Posts bodies over connections that are kept open. */
export class Poster {
  #agents = {
    http: new http.Agent({ keepAlive: true }),
    https: new https.Agent({ keepAlive: true }),
  };

  post(url: string, body: string, headers: Record<string, string>, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve) => {
      const target = new URL(url);
      const secure = target.protocol === 'https:';
      const options = {
        method: 'POST',
        agent: secure ? this.#agents.https : this.#agents.http,
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
        signal: AbortSignal.timeout(timeoutMs),
      };
      const request = (secure ? https : http).request(target, options, (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode ?? null, error: null }));
        response.on('error', (error) => resolve({ status: null, error: error.message }));
      });
      request.on('error', (error) => resolve({ status: null, error: reasonOf(error, timeoutMs) }));
      request.end(body);
    });
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }
}

function reasonOf(error: Error, timeoutMs: number): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return `no answer within ${timeoutMs} ms`;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
