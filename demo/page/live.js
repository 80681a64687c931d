/** The WebSocket to the gateway, which comes back by itself. */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const PING_EVERY_MS = 25_000;

/**
 * Keeps a connection open until `stop` is called.
 * @param {{ onMessage: (message: { type: string, data: object }) => void, onState: (state: string) => void }} listeners
 *   `onState` gets `open` after the gateway's acknowledgement: what was said while we were away must be read again
 * @returns {() => void} stop
 */
export function stayConnected({ onMessage, onState }) {
  let stopped = false;
  let failures = 0;
  let socket;
  let retry;
  let pings;

  function connect() {
    onState('connecting');
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    socket = new WebSocket(`${scheme}//${location.host}/ws`);
    socket.addEventListener('message', (event) => receive(JSON.parse(event.data)));
    socket.addEventListener('close', reconnect);
    pings = setInterval(
      () => socket.readyState === WebSocket.OPEN && socket.send('{"type":"ping"}'),
      PING_EVERY_MS,
    );
  }

  function receive(message) {
    if (message.type === 'connection_ack') {
      failures = 0;
      onState('open');
    } else if (message.type !== 'pong') {
      onMessage(message);
    }
  }

  function reconnect() {
    clearInterval(pings);
    if (stopped) return;
    onState('closed');
    const longest = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
    failures += 1;
    // Spread out, so that a gateway that comes back does not meet everyone at once.
    retry = setTimeout(connect, longest / 2 + Math.random() * (longest / 2));
  }

  connect();
  return () => {
    stopped = true;
    clearTimeout(retry);
    socket.close();
    onState('closed');
  };
}
