/** The part of a node-postgres pool that is used here; the driver is MikroORM's, not ours. */
export type StatementPool = { on(event: 'connect', listener: (client: StatementClient) => void): unknown };

type StatementClient = {
  query: (...args: unknown[]) => unknown;
  end: () => Promise<void>;
};

/**
 * Bounds how long a statement may take, on this side of the network: a server that hangs, or a network that swallows
 * packets, answers nothing at all, so the server's own `statement_timeout` would not help (and a pooler in
 * transaction mode refuses it as a start parameter). The connection is ended rather than given back, as the driver's
 * own `query_timeout` does: whoever got it next would wait behind the statement that hangs.
 * @param timeoutMs in milliseconds
 */
export function boundStatements(pool: StatementPool, timeoutMs: number): void {
  pool.on('connect', (client) => {
    const query = client.query;
    client.query = (...args) => {
      const result = query.apply(client, args);
      // Cursors and callbacks give no promise; MikroORM uses neither for what we ask.
      if (!(result instanceof Promise)) return result;
      // With a statement under way this cuts the connection, and the statement fails at once.
      const timer = setTimeout(() => void client.end().catch(() => undefined), timeoutMs);
      return result.finally(() => clearTimeout(timer));
    };
  });
}
