# The services in one image: `docker build -t driftmend .`; the command picks the service (docker-compose.yml).
# The embedded engine is left out: a deployment has ClickHouse servers. A retrainer whose trainings need more
# than Node takes this image as its base.
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
# What the engine of ONNX needs is in its package; its install script would fetch CUDA.
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN ./node_modules/.bin/vite build console --logLevel warn \
  && ./node_modules/.bin/tsc -p tsconfig.build.json \
  && node cli/bootstrap/copy-assets.mjs
RUN npm prune --omit=dev \
  && rm -rf node_modules/chdb node_modules/@chdb node_modules/onnxruntime-node/bin/*/darwin node_modules/onnxruntime-node/bin/*/win32

FROM ${NODE_IMAGE}
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/cli/driftmend.mjs ./cli/driftmend.mjs
COPY --from=build /app/cli/bootstrap ./cli/bootstrap
COPY --from=build /app/deploy/is-ready.mjs ./deploy/is-ready.mjs
# Spool, journal and models: volumes take the owner of the folder that they cover.
RUN install -d -o 1000 -g 1000 /var/lib/driftmend /var/lib/driftmend-tokens
USER 1000:1000
ENTRYPOINT ["node", "cli/driftmend.mjs"]
CMD ["--help"]
