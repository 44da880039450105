# syntax=docker/dockerfile:1
# Production dependencies only, and of the engine's prebuilt libraries only those for this platform.
FROM node:24.21.0-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY deploy/install-production.sh deploy/
RUN sh deploy/install-production.sh

# The console, which development dependencies build and which needs none of them afterwards.
FROM node:24.21.0-slim AS console
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY tsconfig.json tsconfig.json
COPY scripts/build-console.mjs scripts/
COPY web web
RUN node scripts/build-console.mjs

FROM node:24.21.0-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data \
    HF_HOME=/data/huggingface
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY src src
COPY --from=console /app/web/dist web/dist
# Everything the server writes goes to /data; the rest may be mounted read-only.
RUN install -d -o node -g node /data
VOLUME /data
USER node
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --start-interval=2s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node runs the TypeScript sources as they are, and as process 1 it gets SIGTERM itself.
CMD ["node", "src/main.ts", "serve"]
