import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';

type Answer = { readonly status?: number; readonly data?: unknown; readonly error?: string };

/** A gateway that answers what a test wants, to try the page without everything behind it. */
export async function startFakeGateway() {
  const answers = new Map<string, Answer>();
  const requests: { route: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const sockets = new Set<WebSocket>();
  const upgrades = new WebSocketServer({ noServer: true });
  const server = createServer(async (request, response) => {
    const route = `${request.method} ${request.url?.split('?')[0]}`;
    requests.push({ route, headers: request.headers, body: await text(request) });
    const { status = 200, data, error } = answers.get(route) ?? { status: 404, error: 'not set up' };
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(error ? { success: false, error } : { success: true, data }));
  });
  server.on('upgrade', (request, socket, head) => {
    upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      sockets.add(webSocket);
      webSocket.on('close', () => sockets.delete(webSocket));
      webSocket.send(JSON.stringify({ type: 'connection_ack', data: { status: 'connected', user_id: '1' } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    answer: (route: string, answer: Answer) => void answers.set(route, answer),
    say(type: string, data: object): void {
      for (const socket of sockets) socket.send(JSON.stringify({ type, user_id: '1', data }));
    },
    /** Cuts every WebSocket, as a gateway that dies does. */
    cut(): void {
      for (const socket of sockets) socket.terminate();
    },
    async close(): Promise<void> {
      for (const socket of sockets) socket.terminate();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export type FakeGateway = Awaited<ReturnType<typeof startFakeGateway>>;
