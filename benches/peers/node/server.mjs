// The Node peer: one process a worker, fastify in front, and for each request token, cache, gateway in that order.
// Settings come as JSON in the variable PEER; the harness starts it.
import cluster from 'node:cluster';
import Fastify from 'fastify';
import { AnswerCache } from './answers.mjs';
import { Gateway } from './gateway.mjs';
import { demographics, flow } from './shapes.mjs';
import { tokenVerifier } from './tokens.mjs';

const settings = JSON.parse(process.env.PEER);

if (cluster.isPrimary && settings.workers > 1) {
  for (let worker = 0; worker < settings.workers; worker += 1) cluster.fork();
  cluster.on('exit', () => process.exit(1));
} else {
  serve();
}

function serve() {
  const verify = tokenVerifier(settings);
  const gateway = new Gateway(settings.gateway);
  const cache = new AnswerCache();
  const app = Fastify({ logger: false, keepAliveTimeout: 75_000 });

  // The token is checked before the cache is asked, and the scope belongs to the route.
  const needs = (scope) => async (request, reply) => {
    const header = request.headers.authorization;
    if (!header?.startsWith('Bearer ')) return reply.code(401).send({ title: 'no token' });
    let claims;
    try {
      claims = await verify(header.slice(7));
    } catch {
      return reply.code(401).send({ title: 'the token is not valid' });
    }
    if (!claims.scope.split(' ').includes(scope)) return reply.code(403).send({ title: `needs ${scope}` });
    request.tenant = claims.tenant;
  };

  const answer = async (request, reply, key, fetch) => {
    const kept = cache.peek(key) ?? (await cache.fetch(key, fetch));
    reply.header('etag', kept.etag).header('cache-control', 'private, max-age=3600');
    if (request.headers['if-none-match'] === kept.etag) return reply.code(304).send();
    return reply.type('application/json').send(kept.body);
  };

  app.get('/stores/:store/flow', { onRequest: needs('flow:read') }, async (request, reply) => {
    const { store } = request.params;
    if (!/^S_\d{1,30}$/.test(store)) return reply.code(400).send({ title: 'this is no store id' });
    return answer(request, reply, `${request.tenant} flow ${store}`, async () => flow(store, await gateway.flow(store)));
  });

  app.get('/stores/:store/demographics', { onRequest: needs('demographics:read') }, async (request, reply) => {
    const { store } = request.params;
    const { from, to } = request.query;
    const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/;
    if (!/^S_\d{1,30}$/.test(store) || !instant.test(from) || !instant.test(to) || from > to) {
      return reply.code(400).send({ title: 'this is no store id or no period' });
    }
    const fetch = async () => demographics(store, from, to, await gateway.demographics(store, from, to));
    return answer(request, reply, `${request.tenant} demographics ${store} ${from} ${to}`, fetch);
  });

  app.setErrorHandler((error, request, reply) => reply.code(502).send({ title: error.message }));
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.listen({ host: '127.0.0.1', port: settings.port, backlog: 4096 });
}
