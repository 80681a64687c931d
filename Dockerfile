# syntax=docker/dockerfile:1

# Two images from one file:
#   docker build --target development .   source and development tools, restarts on change (docker-compose.dev.yml)
#   docker build .                        the compiled service and what it needs to run, nothing else
#
# Debian rather than Alpine: the tests run against glibc, and so does the native part of BullMQ's serialiser.

# Images by tag until somebody who reaches their registry has written the digests: node scripts/pin-images.ts

FROM node:24-bookworm-slim AS base
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Names the Node for machines without Docker; npm wants to see it, although nothing of it gets into production.
COPY scripts/node scripts/node

# No package's own script is run, here or anywhere (.npmrc).

FROM base AS dependencies
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts

FROM base AS production-dependencies
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts

FROM dependencies AS development
COPY tsconfig.json ./
COPY migrations migrations
COPY src src
COPY sandbox sandbox
USER node
STOPSIGNAL SIGTERM
CMD ["node", "--watch", "src/api/main.ts"]

FROM dependencies AS build
COPY tsconfig.json tsconfig.build.json ./
COPY migrations migrations
COPY src src
RUN npm run build

# The Debian that the node image is made of, with its node and without npm, corepack and yarn.
FROM debian:bookworm-slim AS production
ENV NODE_ENV=production
WORKDIR /app
COPY --from=base /usr/local/bin/node /usr/local/bin/node
COPY --from=production-dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# Says that the files are ES modules.
COPY package.json ./
# By number, so that an orchestrator can tell that it is not root. Everything above belongs to root and stays as it is.
USER 10001:10001
# 9464: metrics, and a worker's health, when METRICS_PORT says so.
EXPOSE 8085 9464
# Of the web process. A worker made from this image has its own on METRICS_PORT or HEALTH_PORT (see docs/operations.md);
# switch this one off there, and for a gateway (--no-healthcheck).
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PAIEMENTS_SERVICE_PORT || 8085) + '/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The processes handle it themselves, also as PID 1, and start no others: no init is needed.
STOPSIGNAL SIGTERM
# The other processes are in the Procfile: docker run … node --max-semi-space-size=16 dist/src/workers/main.js
CMD ["node", "--max-semi-space-size=8", "--v8-pool-size=2", "dist/src/api/main.js"]
