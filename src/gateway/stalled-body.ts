import type { IncomingMessage } from 'node:http';

/**
 * Calls back, once, when a body that we want more of stops coming.
 * @returns stops watching
 */
export function whenBodyStalls(request: IncomingMessage, idleMs: number, act: () => void): () => void {
  let lastAt = performance.now();
  const note = (): void => {
    lastAt = performance.now();
  };
  const look = (): void => {
    if (request.readableEnded || request.destroyed) return;
    // Whoever is behind us takes no more at the moment, so that the client cannot go on.
    if (request.isPaused()) note();
    const leftMs = lastAt + idleMs - performance.now();
    if (leftMs <= 0) act();
    else timer = setTimeout(look, leftMs);
  };
  request.on('data', note);
  let timer = setTimeout(look, idleMs);
  return () => {
    clearTimeout(timer);
    request.off('data', note);
  };
}
