/**
 * The peer: @supabase/stripe-sync-engine behind fastify, as its documentation shows. It writes each event's object into
 * PostgreSQL before it answers. CommonJS, because the ESM build of 0.48.5 does not find its migrations.
 */
const fastify = require('fastify');
const { runMigrations, StripeSync } = require('@supabase/stripe-sync-engine');

const { PEER_PORT, DATABASE_URL, SECRET, API_VERSION } = process.env;

async function main() {
  // It logs a failed migration and goes on; a bench must not.
  const logger = { info() {}, error: (error) => fail(error) };
  await runMigrations({ databaseUrl: DATABASE_URL, schema: 'stripe', logger });
  const sync = new StripeSync({
    schema: 'stripe',
    poolConfig: { connectionString: DATABASE_URL, max: 10 },
    stripeSecretKey: 'sk_test_bench',
    stripeWebhookSecret: SECRET,
    stripeApiVersion: API_VERSION,
    // Its default. On, it would fetch customers from Stripe.
    backfillRelatedEntities: false,
  });
  const app = fastify({ logger: false, bodyLimit: 1024 * 1024 });
  // The raw bytes: a parsed body cannot be verified.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.post('/webhooks', async (request, reply) => {
    await sync.processWebhook(request.body, request.headers['stripe-signature']);
    return reply.code(200).send({ received: true });
  });
  await app.listen({ port: Number(PEER_PORT), host: '127.0.0.1' });
  console.log('peer ready');
}

process.once('SIGTERM', () => process.exit(0));
function fail(error) {
  console.error(error);
  process.exit(1);
}

main().catch(fail);
