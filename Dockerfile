# The service: core and `serve`, without torch. docs/deploy.md says how it is built and run.
FROM python:3.11.14-slim-bookworm AS build

# The loops are compiled for every processor of the architecture, not for the builder's alone.
ENV NUMBA_CACHE_DIR=/opt/ratecast/kernels \
    NUMBA_CPU_NAME=generic \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/* \
    && python -m venv --without-pip /opt/ratecast
WORKDIR /build

# Packages first: a change of the code does not install them again. Their tests, and the symbols in
# their libraries, would be a fifth of the image; those in *.libs are edited, and are left alone.
COPY requirements/serve.txt requirements/
RUN pip --python /opt/ratecast/bin/python install --no-compile --require-hashes \
      --requirement requirements/serve.txt \
    && find /opt/ratecast -type d -name tests -prune -exec rm -r {} + \
    && find /opt/ratecast -name '*.so' ! -path '*.libs/*' -exec strip --strip-unneeded {} +

COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY results/reproduce.json results/
COPY src/ src/
# What builds the package has its version from there too. Python writes the bytecode of what is
# imported, and of nothing else: that of every module would be a tenth of the image.
RUN PIP_CONSTRAINT=constraints.txt pip --python /opt/ratecast/bin/python install --no-deps . \
    && /opt/ratecast/bin/python -c "import alembic.command, psycopg, sklearn.manifold, \
         sqlalchemy.dialects.postgresql.psycopg, ratecast.serving.page, ratecast.serving.server" \
    && RATECAST_HOME=/tmp/ratecast /opt/ratecast/bin/ratecast doctor --compile


FROM python:3.11.14-slim-bookworm

RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/ratecast --shell /usr/sbin/nologin \
      ratecast \
    && install --directory --owner=ratecast --group=ratecast --mode=700 /var/lib/ratecast
COPY --from=build /opt/ratecast /opt/ratecast

# One volume has all that changes: models, ratings, the secret, and editions of MovieLens.
ENV PATH=/opt/ratecast/bin:$PATH \
    HOME=/var/lib/ratecast \
    RATECAST_HOME=/var/lib/ratecast \
    NUMBA_CACHE_DIR=/opt/ratecast/kernels \
    NUMBA_CPU_NAME=generic \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/ratecast
VOLUME /var/lib/ratecast
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=5m \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["ratecast"]
# Without a token it is refused: RATECAST_TOKEN, or --token-file.
CMD ["serve", "--host", "0.0.0.0"]
