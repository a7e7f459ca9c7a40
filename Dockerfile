# The image of gateway and worker; docs/how-to/deploy-with-compose.md tells how to put your own tools into it.
#
# A version can be published anew; a digest cannot. To pin it, look it up where you trust the registry, and build with
#   docker buildx imagetools inspect python:3.13.7-slim-trixie --format '{{.Manifest.Digest}}'
#   docker build --build-arg PYTHON=python:3.13.7-slim-trixie@sha256:… .
ARG PYTHON=python:3.13.7-slim-trixie

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock requirements-image.lock ./
# The packages have hashes: nothing is installed that the lock files do not name, whoever serves it.
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|trove-classifiers)==/ } wanted' \
        requirements.lock > requirements-build.lock \
    && pip install --require-hashes --no-deps --only-binary :all: --requirement requirements-build.lock \
    && python -m venv --without-pip /opt/placet \
    && pip --python /opt/placet/bin/python install \
        --require-hashes --no-deps --only-binary :all: --requirement requirements-image.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY workflows workflows
COPY activities activities
COPY gateway gateway
COPY examples examples
RUN python -m hatchling build --target wheel --directory /wheels \
    && pip --python /opt/placet/bin/python install --no-deps --no-index /wheels/placet-*.whl \
    && pip --python /opt/placet/bin/python check

FROM ${PYTHON}
RUN useradd --uid 10001 --user-group --create-home placet
COPY --from=build /opt/placet /opt/placet
ENV PATH=/opt/placet/bin:$PATH PYTHONUNBUFFERED=1 \
    HEALTH_URL=http://127.0.0.1:7117/healthz
USER 10001:10001
WORKDIR /home/placet
# A worker answers at its metrics: give it PLACET_METRICS=127.0.0.1:9464 and HEALTH_URL=http://127.0.0.1:9464/metrics.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(os.environ['HEALTH_URL'], timeout=3)"]
# Without a shell in between: SIGTERM reaches the process.
CMD ["placet", "--help"]
