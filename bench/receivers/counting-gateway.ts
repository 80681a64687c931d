/** Takes broadcasts as the gateway does and only counts them, so that the pipeline is measured and not a gateway. */
import { createServer } from 'node:http';

const { COUNTER_PORT, INTERNAL_API_KEY } = process.env;
const facts = new Set<string>();
let total = 0;

createServer((request, response) => {
  if (request.method === 'GET') {
    const body = JSON.stringify({ total, distinct: facts.size });
    response.writeHead(200, { 'content-length': body.length }).end(body);
    return;
  }
  request.resume();
  request.on('end', () => {
    if (request.headers['x-internal-key'] !== INTERNAL_API_KEY) {
      response.writeHead(401, { 'content-length': 0 }).end();
      return;
    }
    total += 1;
    facts.add(String(request.headers['idempotency-key']));
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': 16 })
      .end('{"success":true}');
  });
}).listen(Number(COUNTER_PORT), '127.0.0.1', () => console.log('counter ready'));
process.once('SIGTERM', () => process.exit(0));
